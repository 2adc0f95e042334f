/** The engine port on DuckDB: one file in the data folder, shared with the catalog. */
import type { CustomerFacts } from '../../../model/fact.ts';
import type { CustomerBatch } from '../../../model/membership.ts';
import type {
  Engine,
  Erasure,
  FactBatch,
  FactCounts,
  FactDictionary,
  ImportReport,
  ImportRequest,
  ListState,
  Members,
  MembersRequest,
  ModelState,
  PopulationRequest,
  PopulationValues,
  Progress,
  PutReport,
  RowNo,
  ScanRequest,
  StoreTable,
  StreamPosition,
} from '../engine.ts';
import type { LiveFacts } from '../live-facts.ts';
import { compact } from './compact.ts';
import type { DuckDbDatabase } from './database.ts';
import { eraseCustomer, readCustomerNoEnd, readErasures, readmitCustomer, settleErasures } from './erase.ts';
import { importFile } from './import-file.ts';
import {
  affectedCustomers,
  countFacts,
  readCustomerFacts,
  readCustomerIds,
  readCustomerNo,
  readCustomers,
  readDictionary,
  readLastBatchNo,
  readStoreTable,
} from './lookup.ts';
import { isCheapQuery, readMembers } from './members.ts';
import { activateModelVersion, readLists, readModels } from './models.ts';
import { readPopulationValues } from './population-values.ts';
import { type Facts, putFacts } from './put.ts';
import { scanFacts } from './scan.ts';
import { readStreamPositions } from './stream-position.ts';

export class DuckDbEngine implements Engine {
  readonly #database: DuckDbDatabase;

  /** @param database - Open; the engine closes its share of it. */
  constructor(database: DuckDbDatabase) {
    this.#database = database;
  }

  importFile(request: ImportRequest, progress: Progress = () => {}): Promise<ImportReport> {
    return importFile(this.#database, request, progress);
  }

  put(facts: Facts, positions: readonly StreamPosition[] = []): Promise<PutReport> {
    return putFacts(this.#database, facts, positions);
  }

  activateModelVersion(model: string, version: string): Promise<{ readonly batchNo: number }> {
    return activateModelVersion(this.#database, model, version);
  }

  models(): Promise<readonly ModelState[]> {
    return readModels(this.#database);
  }

  lists(list?: string): Promise<readonly ListState[]> {
    return readLists(this.#database, list);
  }

  eraseCustomer(customerId: string): Promise<{ readonly batchNo: number } | undefined> {
    return eraseCustomer(this.#database, customerId);
  }

  readmitCustomer(customerId: string): Promise<boolean> {
    return readmitCustomer(this.#database, customerId);
  }

  erasures(after: number, upTo?: number): Promise<readonly Erasure[]> {
    return readErasures(this.#database, after, upTo);
  }

  settleErasures(upTo: number, part: 'ids' | 'all'): Promise<void> {
    return settleErasures(this.#database, upTo, part);
  }

  customerNoEnd(): Promise<number> {
    return readCustomerNoEnd(this.#database);
  }

  streamPositions(stream: string): Promise<ReadonlyMap<string, number>> {
    return readStreamPositions(this.#database, stream);
  }

  counts(): Promise<FactCounts> {
    return countFacts(this.#database);
  }

  lastBatchNo(receivedUpTo?: number): Promise<number> {
    return readLastBatchNo(this.#database, receivedUpTo);
  }

  scan(request: ScanRequest): AsyncIterable<FactBatch> {
    return scanFacts(this.#database, request);
  }

  async members(request: MembersRequest): Promise<Members | undefined> {
    return isCheapQuery(request.rule) ? readMembers(this.#database, request) : undefined;
  }

  populationValues(request: PopulationRequest): Promise<PopulationValues> {
    return readPopulationValues(this.#database, request);
  }

  affectedCustomers(after: number, upTo: number): Promise<Uint32Array> {
    return affectedCustomers(this.#database, after, upTo);
  }

  storeTable(knownAt?: number): Promise<StoreTable> {
    return readStoreTable(this.#database, knownAt);
  }

  dictionary(knownAt?: number): Promise<FactDictionary> {
    return readDictionary(this.#database, knownAt);
  }

  customers(knownAt?: number): AsyncIterable<CustomerBatch> {
    return readCustomers(this.#database, knownAt);
  }

  customerNo(customerId: string, knownAt?: number): Promise<RowNo | undefined> {
    return readCustomerNo(this.#database, customerId, knownAt);
  }

  customerIds(customerNos: Uint32Array): Promise<string[]> {
    return readCustomerIds(this.#database, customerNos);
  }

  customerFacts(customerId: string, knownAt?: number): Promise<CustomerFacts> {
    return readCustomerFacts(this.#database, customerId, knownAt);
  }

  /** Folds the tail of recent orders into the sorted base. Imports do it when the tail has grown large. */
  compact(): Promise<void> {
    return compact(this.#database);
  }

  async openLiveFacts(progress: Progress = () => {}): Promise<LiveFacts> {
    // Loaded when needed: LMDB is of no use to a command that only reads or writes facts.
    const { openLiveFacts } = await import('./ledger/duckdb-live-facts.ts');
    return openLiveFacts(this.#database, { progress });
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
