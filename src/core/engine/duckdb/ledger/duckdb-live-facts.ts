/**
 * Live facts over the DuckDB file: values by customer in a ledger beside it, derived from the tables and
 * brought up to date from them. Invariant: the ledger never holds what the tables do not; when in doubt it
 * is thrown away and built again.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CustomerBatch } from '../../../../model/membership.ts';
import type { Progress } from '../../engine.ts';
import type { FactBatch, ScanColumns } from '../../fact-batch.ts';
import type { LiveFacts, TimeOffsets } from '../../live-facts.ts';
import type { DuckDbDatabase } from '../database.ts';
import { affectedCustomers } from '../lookup.ts';
import { advanceLedger, type FactState, factState } from './advance-ledger.ts';
import { buildLedger } from './build-ledger.ts';
import { Crossing } from './crossing.ts';
import { LEDGER_FOLDER, type LedgerFile, type LedgerMark, openLedgerFile } from './ledger-file.ts';
import {
  customersSince,
  fingerprintSql,
  HASH_STAMP,
  LAST_BATCH,
  type StateRow,
  stateSql,
} from './ledger-query.ts';
import { ReceivedLog } from './received-log.ts';
import { scanLedger } from './scan-ledger.ts';
import { isSwitched, readScoreNames } from './score-names.ts';

export interface LiveFactsOptions {
  /** Called while the ledger is built, which is once in a data folder's life. */
  readonly progress?: Progress;
  /** Most moments that are kept in memory for windows to come; default 8 million. */
  readonly agendaEntriesMax?: number;
  /** With more fresh facts than this, the ledger may be built anew instead; default 1 million. */
  readonly rebuildRowsMin?: number;
}

/**
 * Opens the ledger of a data folder at the last batch of facts, building it if there is none that fits.
 *
 * @param database - Open; its folder gets the ledger. It stays the caller's.
 * @throws {CoterieError} `DISK_FULL`, `DATA_FOLDER_UNWRITABLE`.
 */
export async function openLiveFacts(
  database: DuckDbDatabase,
  options: LiveFactsOptions = {},
): Promise<DuckDbLiveFacts> {
  const { stamp } = (await database.row<{ stamp: string }>(HASH_STAMP))!;
  const ledger = await openTrusted(database, stamp);
  try {
    if ((await fittingMark(database, ledger)) === undefined) {
      await buildLedger(database, ledger, options.progress);
    }
    const mark = ledger.mark()!;
    const state = await readState(database, mark);
    const crossing = new Crossing(database, options.agendaEntriesMax);
    const facts = new DuckDbLiveFacts({ database, ledger, mark, state, crossing, options });
    await facts.advance();
    return facts;
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

/** LMDB may refuse what lies there, whatever became of it: then it starts empty. */
async function openTrusted(database: DuckDbDatabase, stamp: string): Promise<LedgerFile> {
  let ledger: LedgerFile | undefined;
  try {
    ledger = await openLedgerFile(database.folder, stamp);
    ledger.mark();
    return ledger;
  } catch {
    await ledger?.close();
    await rm(join(database.folder, LEDGER_FOLDER), { recursive: true, force: true });
    return openLedgerFile(database.folder, stamp);
  }
}

/** The ledger's mark, if it was derived from the facts that are there now. */
async function fittingMark(database: DuckDbDatabase, ledger: LedgerFile): Promise<LedgerMark | undefined> {
  const mark = ledger.mark();
  if (mark === undefined) return undefined;
  const { last } = (await database.row<{ last: number }>(LAST_BATCH))!;
  if (mark.reachesBatchNo > last) return undefined;
  const batch = await database.row<{ fingerprint: string }>(fingerprintSql(mark.batchNo));
  return batch!.fingerprint === mark.fingerprint ? mark : undefined;
}

/** What the compiler depends on, at the mark; what came since is seen by the next advance. */
async function readState(database: DuckDbDatabase, mark: LedgerMark): Promise<FactState> {
  const row = (await database.row<StateRow>(stateSql(mark.batchNo)))!;
  return { ...factState(row, await readScoreNames(database, mark.batchNo)), batchNo: mark.batchNo };
}

interface Opened {
  readonly database: DuckDbDatabase;
  readonly ledger: LedgerFile;
  readonly mark: LedgerMark;
  readonly state: FactState;
  readonly crossing: Crossing;
  readonly options: LiveFactsOptions;
}

export class DuckDbLiveFacts implements LiveFacts {
  readonly #database: DuckDbDatabase;
  readonly #ledger: LedgerFile;
  readonly #crossing: Crossing;
  readonly #options: LiveFactsOptions;
  readonly #received: ReceivedLog;
  #mark: LedgerMark;
  #state: FactState;
  /** Whether an advance broke off, so that some values may be ahead of the mark. */
  #isTorn = false;
  #closed = false;

  constructor(opened: Opened) {
    this.#database = opened.database;
    this.#ledger = opened.ledger;
    this.#crossing = opened.crossing;
    this.#options = opened.options;
    this.#mark = opened.mark;
    this.#state = opened.state;
    this.#received = new ReceivedLog(opened.mark.batchNo);
    this.#isTorn = opened.mark.reachesBatchNo > opened.mark.batchNo;
  }

  get batchNo(): number {
    return this.#state.batchNo;
  }

  get storesBatchNo(): number {
    return this.#state.storesBatchNo;
  }

  get dictionarySize(): number {
    return this.#state.dictionarySize;
  }

  async advance(): Promise<void> {
    const { last } = (await this.#database.row<{ last: number }>(LAST_BATCH))!;
    if (last === this.#mark.batchNo) return;
    this.#isTorn = true;
    const before = this.#mark.batchNo;
    try {
      const next = await advanceLedger(this.#database, this.#ledger, {
        mark: this.#mark,
        scoreNames: this.#state.scoreNames,
        rebuildRowsMin: this.#options.rebuildRowsMin,
        fresh: {
          orders: (block) => {
            this.#received.addRows(block);
            this.#crossing.addFacts('orders', block);
          },
          traits: (block, hiddenNames) => {
            this.#received.addTraits(block, hiddenNames);
            this.#crossing.addTraits(block, hiddenNames);
          },
          events: (block) => {
            this.#received.addRows(block);
            this.#crossing.addFacts('events', block);
          },
          erased: (customerNo, batchNo) => this.#received.addErased(customerNo, batchNo),
          newCustomer: (...customer) => this.#received.addNewCustomer(...customer),
        },
      });
      if (next === undefined) {
        await this.#rebuild();
      } else {
        // The agenda holds the ends of scores that counted, and the log those whom these were received of.
        if (isSwitched(this.#state.scoreNames, next.scoreNames)) {
          this.#crossing.reset();
          this.#received.restart(next.batchNo);
        }
        this.#state = next;
        this.#mark = next;
        this.#received.settle(next.batchNo);
      }
      this.#isTorn = false;
    } catch (error) {
      // Entered in part: the next attempt enters all of it again.
      this.#received.restart(before);
      throw error;
    }
  }

  async #rebuild(): Promise<void> {
    await buildLedger(this.#database, this.#ledger, this.#options.progress);
    this.#mark = this.#ledger.mark()!;
    this.#state = await readState(this.#database, this.#mark);
    this.#received.restart(this.#mark.batchNo);
    this.#crossing.reset();
  }

  async received(
    after: number,
  ): Promise<{ readonly customers: Uint32Array; readonly newCustomers: CustomerBatch }> {
    this.#check();
    if (after >= this.#received.since) {
      this.#received.forget(Math.min(after, this.batchNo));
      return this.#received.after(after);
    }
    const customers = await affectedCustomers(this.#database, after, this.batchNo);
    const ids: string[] = [];
    const customerNos: number[] = [];
    for await (const chunk of this.#database.stream(customersSince(after, this.batchNo))) {
      customerNos.push(...(chunk.getColumnValues(0) as number[]));
      ids.push(...(chunk.getColumnValues(2) as string[]));
    }
    return { customers, newCustomers: { ids, customerNos: Uint32Array.from(customerNos) } };
  }

  crossing(offsets: TimeOffsets, after: number, upTo: number): Promise<Uint32Array> {
    this.#check();
    const { hidden } = this.#state.scoreNames;
    return this.#crossing.between(offsets, after, upTo, { mark: this.batchNo, hiddenNames: hidden });
  }

  async *scan(customers: Uint32Array, columns: ScanColumns): AsyncGenerator<FactBatch> {
    this.#check();
    const reader = this.#ledger.reader();
    try {
      yield* scanLedger(reader, customers, columns, this.#state.scoreNames.hidden);
    } finally {
      reader.close();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#ledger.close();
  }

  #check(): void {
    if (this.#closed) throw new Error('these live facts were closed');
    if (this.#isTorn) throw new Error('advance() failed: facts are between two marks until it succeeds');
  }
}
