/**
 * The engine port: keeps facts and scans them. It is narrow so that any warehouse can stand behind it:
 * put facts, find the customers affected since a mark, scan facts ordered by customer in columnar
 * batches. Filtering, de-duplication and sorting are the engine's work; evaluation is not.
 *
 * Every batch of facts gets a number, one more than the last, when it is durable. A batch number is a
 * mark of knowledge: `knownAt: 7` reads what was known after batch 7, at any later time.
 */

import type {
  CustomerFacts,
  EventFact,
  FactSource,
  ListEntryFact,
  OrderFact,
  ScoreFact,
  StoreFact,
  TraitFact,
} from '../../model/fact.ts';
import type { CustomerBatch } from '../../model/membership.ts';
import type { Erasure } from './erasure.ts';
import type { FactBatch, ScanColumns } from './fact-batch.ts';
import type { LiveFacts } from './live-facts.ts';
import type { Members, MembersRequest } from './members.ts';
import type { PopulationRequest, PopulationValues } from './population-values.ts';

export type { FactSource } from '../../model/fact.ts';
export type { Erasure } from './erasure.ts';
export type { EventColumns, FactBatch, ScanColumns } from './fact-batch.ts';
export type { TimeOffsets } from './live-facts.ts';
export type { Members, MembersRequest } from './members.ts';
export type { PopulationRequest, PopulationValues } from './population-values.ts';

/** Row number of a customer or a store: 32 bits, given once. Stores start at 1; 0 is "no store". */
export type RowNo = number;

export interface ScanRequest {
  readonly columns: ScanColumns;
  /** Read what was known after this batch; absent means the last one. */
  readonly knownAt?: number;
  /** Only these customers, ascending. */
  readonly customers?: Uint32Array;
  /**
   * Only orders in these stores, and so only customers that have one, counted or not (traits and events
   * still come for those).
   * For mini-plans whose every condition looks at these stores. Ascending.
   */
  readonly stores?: Uint32Array;
  /** Aim at this many orders a batch; a customer is never split over batches. Default 262,144. */
  readonly batchOrders?: number;
}

/** All known stores, for resolving store sets: index i is store number i + 1. */
export interface StoreTable {
  readonly ids: readonly string[];
  readonly brand: readonly (string | undefined)[];
  readonly city: readonly (string | undefined)[];
  readonly category: readonly (string | undefined)[];
  readonly tags: readonly (readonly string[] | undefined)[];
}

/** Dictionaries that the compiler resolves names with. */
export interface FactDictionary {
  /** Trait name → number. Traits, scores and lists share one range of numbers. */
  readonly traitNames: ReadonlyMap<string, number>;
  /** Model → number of the name under which scores of the version in force come. */
  readonly models: ReadonlyMap<string, number>;
  /** List → number of the name under which its entries come. */
  readonly lists: ReadonlyMap<string, number>;
  /** Event name → number, in a range of their own. */
  readonly eventNames: ReadonlyMap<string, number>;
  /** Trait name number → value text → number. */
  readonly traitValues: ReadonlyMap<number, ReadonlyMap<string, number>>;
  /** Currency code → number. */
  readonly currencies: ReadonlyMap<string, number>;
}

export type FileFormat = 'csv' | 'ndjson' | 'parquet';

export interface ImportRequest {
  readonly source: FactSource;
  readonly file: string;
  /** Guessed from the name when absent: .csv, .csv.gz, .tsv, .ndjson, .jsonl, .parquet. */
  readonly format?: FileFormat;
  /** Our field → the file's column. Fields that are not mapped are looked for under their own name. */
  readonly map: Readonly<Record<string, string>>;
  /** Of CSV; default ",". */
  readonly delimiter?: string;
  /** Fail on the first bad row, and import nothing. */
  readonly strict: boolean;
  /** Where bad rows go: CSV of line, reason, and the row. Default: beside the data. */
  readonly rejectsFile?: string;
  /** Values for fields that the file does not have, such as currency. */
  readonly defaults?: Readonly<Record<string, string>>;
  /**
   * What the batch is recorded to come from, where the file is there for this import alone. Such a one counts
   * each time: it is not recognized as one imported before. Default: the file, which is, by its content.
   */
  readonly origin?: string;
  /** Of lists: those that the file names are emptied before its entries, in the same batch. Default false. */
  readonly replaceLists?: boolean;
  /** Of scores: the versions that the file brings are put in force at its end. Default true. */
  readonly activateVersions?: boolean;
}

export interface ImportReport {
  readonly batchNo: number;
  readonly rows: number;
  /** Rows that brought something not known before. */
  readonly added: number;
  /** Rows that replaced an earlier version. */
  readonly replaced: number;
  /** Rows that said what was known already. */
  readonly unchanged: number;
  readonly rejected: number;
  /** Where lists are replaced: customers who were on them, and of whom the file says nothing. Absent otherwise. */
  readonly delisted?: number;
  /** Customers first heard of in this file; absent: none. */
  readonly newCustomers?: number;
  /** Rows about customers who were erased, which are dropped; absent: none. */
  readonly erased?: number;
  /** Rows that moved an order here from another customer, who no longer has it; absent: none. */
  readonly moved?: number;
  /** Reason → rows. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly rejectsFile?: string;
  /** The first row set aside, by its line in the file; of Parquet, its row. Absent: none. */
  readonly firstReject?: { readonly line: number; readonly reason: string };
  /** Such as negative totals, which are kept: text → rows. */
  readonly warnings: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Called now and then during long work; `total` is absent while it is not known. */
export type Progress = (step: {
  readonly phase: string;
  readonly done: number;
  readonly total?: number;
}) => void;

export interface FactCounts {
  readonly customers: number;
  readonly stores: number;
  /** Latest versions, cancelled ones included. */
  readonly orders: number;
  readonly traits: number;
  readonly events: number;
  /** Of every version, the latest of each customer. */
  readonly scores: number;
  /** Customers on lists, over all lists. */
  readonly listEntries: number;
  readonly batchNo: number;
  /** Time of the latest order, if there is one. */
  readonly lastOrderAt?: number;
}

/** A model's versions. */
export interface ModelState {
  readonly model: string;
  readonly versions: readonly {
    readonly version: string;
    /** Customers with a score of it. */
    readonly scores: number;
    readonly isInForce: boolean;
    /** The batch that last put it in force; absent: none did. */
    readonly activatedBatchNo?: number;
  }[];
}

export interface ListState {
  readonly list: string;
  /** Known customers on it. */
  readonly customers: number;
}

export interface PutReport {
  readonly batchNo: number;
  /** Of list entries, what changed nothing: the customer was on the list already, or was not. Absent: none. */
  readonly unchangedListEntries?: number;
  /** Customers who went off lists that were emptied; absent: no list was. */
  readonly delisted?: number;
  /** Customers first heard of in this batch; absent: none. */
  readonly newCustomers?: number;
  /** Customers who were erased, and whose facts were dropped; absent: none. */
  readonly erasedCustomers?: readonly string[];
  /** Orders that were to be moved from a customer who has no such order; absent: none. */
  readonly unmoved?: readonly UnmovedOrder[];
}

/** An order that its `previousCustomerId` does not have, and never had, when its row comes. */
export interface UnmovedOrder {
  readonly previousCustomerId: string;
  readonly orderId: string;
}

/** How far a stream of messages was taken in: a message of a partition, and all before it. */
export interface StreamPosition {
  readonly stream: string;
  readonly partition: string;
  /** A safe integer of the broker's that grows within the partition. */
  readonly position: number;
}

export interface Engine {
  /** Reads a file into the facts as one batch: all of it, or nothing. */
  importFile(request: ImportRequest, progress?: Progress): Promise<ImportReport>;
  /**
   * Puts facts that are already checked, as one batch, durable when it returns. Facts about customers who
   * were erased are dropped; the answer names those customers, if there are any. An order with a
   * `previousCustomerId` is taken for its customer, and the previous one's, if there is one, is cancelled: as it
   * was, and not as the row says.
   *
   * @param positions - Where streams stand with these facts: they are durable together, or neither is.
   */
  put(
    facts: {
      readonly orders?: readonly OrderFact[];
      readonly stores?: readonly StoreFact[];
      readonly traits?: readonly TraitFact[];
      readonly events?: readonly EventFact[];
      /** Each under its version, which counts when it is in force. A model's first version is in force at once. */
      readonly scores?: readonly ScoreFact[];
      readonly listEntries?: readonly ListEntryFact[];
      /** Lists that are emptied before the entries of this batch. */
      readonly emptiedLists?: readonly string[];
      /** Ids of customers who are known from now on, whether or not they have traits or orders. */
      readonly customers?: readonly string[];
    },
    positions?: readonly StreamPosition[],
  ): Promise<PutReport>;
  /**
   * Puts a version of a model in force, in place of the one before, as a batch of its own.
   *
   * @throws {CoterieError} `MODEL_VERSION_NOT_FOUND` if it has no scores.
   */
  activateModelVersion(model: string, version: string): Promise<{ readonly batchNo: number }>;
  /** All models with their versions, ascending by name, then by first arrival. */
  models(): Promise<readonly ModelState[]>;
  /**
   * All lists with how many known customers are on each, ascending by name.
   *
   * @param list - Only the one of this name, if there is one.
   */
  lists(list?: string): Promise<readonly ListState[]>;
  /**
   * Removes a customer and all facts about them, in one transaction, as a batch of its own. Facts about
   * them that arrive later are dropped, whatever their date, until the customer is readmitted.
   *
   * @returns Undefined, with nothing changed, if the customer is not known.
   */
  eraseCustomer(customerId: string): Promise<{ readonly batchNo: number } | undefined>;
  /**
   * Facts about somebody who was erased count again, from those that arrive from now on: as of another
   * customer, with another number.
   *
   * @returns Whether the customer had been erased.
   */
  readmitCustomer(customerId: string): Promise<boolean>;
  /** Erasures in batches (after, upTo], ascending by customer number; `upTo` absent means the last batch. */
  erasures(after: number, upTo?: number): Promise<readonly Erasure[]>;
  /**
   * Lets go of the ids of customers erased up to a batch, since nothing that is served knows them any more.
   *
   * @param part - `ids` alone, if the log of changes may still hold them; `all` if nothing is pending.
   */
  settleErasures(upTo: number, part: 'ids' | 'all'): Promise<void>;
  /** Every customer number that was ever given is lower. */
  customerNoEnd(): Promise<number>;
  /** Of a stream: partition → the last position that was put. */
  streamPositions(stream: string): Promise<ReadonlyMap<string, number>>;
  counts(): Promise<FactCounts>;
  /**
   * The last batch, or the last that was received up to a moment; 0 when there was none. Cheap.
   *
   * @param receivedUpTo - Seconds since 1970, inclusive.
   */
  lastBatchNo(receivedUpTo?: number): Promise<number>;
  scan(request: ScanRequest): AsyncIterable<FactBatch>;
  /**
   * The members of a segment, found inside the engine. Absent where an engine cannot, and undefined where a
   * scan into the evaluator would cost less; either way the answer is the evaluator's.
   */
  members?(request: MembersRequest): Promise<Members | undefined>;
  /** Values at ranks over a population. Costs one pass over the orders, or the scores, that the measure looks at. */
  populationValues(request: PopulationRequest): Promise<PopulationValues>;
  /**
   * Customers with facts received in batches (after, upTo], ascending; scores of versions that are not in force
   * after `upTo` affect nobody.
   */
  affectedCustomers(after: number, upTo: number): Promise<Uint32Array>;
  /** All stores known after a batch. */
  storeTable(knownAt?: number): Promise<StoreTable>;
  /** Names known by now; models as they were in force after a batch (default: the last). */
  dictionary(knownAt?: number): Promise<FactDictionary>;
  /** All customers known after a batch, in order of their ids' bytes. */
  customers(knownAt?: number): AsyncIterable<CustomerBatch>;
  /** Undefined for a customer who was not known after this batch (default: the last). */
  customerNo(customerId: string, knownAt?: number): Promise<RowNo | undefined>;
  /** Ids of these customers, in their order; of one who was erased, the empty text. */
  customerIds(customerNos: Uint32Array): Promise<string[]>;
  /** One customer's facts in words, for the naive evaluator, explanations and people. */
  customerFacts(customerId: string, knownAt?: number): Promise<CustomerFacts>;
  /**
   * Facts kept ready by customer, at the last batch. A driver may have to prepare them first, which takes
   * one pass over all facts. One at a time; close it before the engine.
   */
  openLiveFacts(progress?: Progress): Promise<LiveFacts>;
  close(): Promise<void>;
}
