/**
 * Finds customers whose orders come to the edge of a window as time passes. One pass over the times of
 * all orders fills an agenda for the next hour; the ticks in between only look at it. An agenda may name
 * a customer for a version that was superseded since, or for a window that is no longer asked for: such a
 * customer is evaluated to the same. It never leaves one out.
 */
import type { DuckDBDataChunk } from '@duckdb/node-api';

import type { ColumnBlock } from '../column-block.ts';
import { chunkColumns } from '../column-block.ts';
import type { DuckDbDatabase } from '../database.ts';
import { Agenda, firstAfter } from './agenda.ts';
import { CustomerBits } from './customer-bits.ts';
import { SPAN_BITS, timesSql } from './ledger-query.ts';

/** A pass over 100 M orders takes 1 s of one core, and so costs little once an hour. */
const HORIZON_S = 3_600;
/** Where a clock takes large steps, a pass serves this many of them. */
const HORIZON_STEPS = 8;
/** 8 bytes each. */
const ENTRIES_MAX = 8_000_000;
/** With more spans than this, nearly all orders are in one of them. */
const SPANS_MAX = 8_192;
const TIME_MAX = 0xffff_ffff;

/** Columns of orders. */
const CUSTOMER = 0;
const TIME = 2;

export class Crossing {
  readonly #database: DuckDbDatabase;
  readonly #entriesMax: number;
  #agenda: Agenda | undefined;
  #lastStepS = 0;

  constructor(database: DuckDbDatabase, entriesMax = ENTRIES_MAX) {
    this.#database = database;
    this.#entriesMax = entriesMax;
  }

  /** Enters orders that were taken in; columns of `ORDER_COLUMN_TYPES`. */
  addOrders({ columns, count }: ColumnBlock): void {
    const agenda = this.#agenda;
    if (agenda === undefined) return;
    for (let i = 0; i < count; i++) agenda.addOrder(columns[TIME]![i]!, columns[CUSTOMER]![i]!);
    if (agenda.overflowed) this.#agenda = undefined;
  }

  /** Forgets what was found, as the facts are others now. */
  reset(): void {
    this.#agenda = undefined;
  }

  /** See `LiveFacts.crossing`; `mark` is the batch up to which facts count. */
  async between(
    windowsS: readonly number[],
    after: number,
    upTo: number,
    mark: number,
  ): Promise<Uint32Array> {
    const found = new CustomerBits();
    if (upTo <= after || windowsS.length === 0) return found.ascending();
    const stepS = upTo - after;
    const horizonS = Math.max(HORIZON_S, HORIZON_STEPS * Math.min(stepS, this.#lastStepS));
    this.#lastStepS = stepS;
    const agenda = this.#agenda?.covers(after, upTo)
      ? this.#agenda
      : new Agenda(after, upTo + horizonS, this.#entriesMax);
    const missing = agenda.missing(windowsS);
    this.#agenda = agenda;
    if (missing.length > 0) {
      agenda.watch(missing);
      try {
        await this.#fill(agenda, missing, { after, upTo, mark, found });
      } catch (error) {
        this.#agenda = undefined;
        throw error;
      }
    }
    agenda.due(after, upTo, (customerNo) => found.add(customerNo));
    if (agenda.overflowed) this.#agenda = undefined;
    else agenda.forget(after);
    return found.ascending();
  }

  async *#times(spans: readonly number[] | undefined, mark: number): AsyncGenerator<DuckDBDataChunk> {
    const session = await this.#database.connect();
    try {
      if (spans === undefined) {
        yield* session.stream(timesSql(spans, mark));
      } else {
        // A filter leaves a few rows of each chunk, and chunks cost more than rows: a table has full ones.
        await session.run(`CREATE TEMP TABLE time_within AS ${timesSql(spans, mark)}`);
        yield* session.stream(`FROM time_within`);
      }
    } finally {
      await session.close();
    }
  }

  /** One pass over the times of all orders. What is due by `upTo` is found, even where the agenda is full. */
  async #fill(
    agenda: Agenda,
    windowsS: readonly number[],
    at: {
      readonly after: number;
      readonly upTo: number;
      readonly mark: number;
      readonly found: CustomerBits;
    },
  ): Promise<void> {
    const { after, upTo, found } = at;
    const windows = Float64Array.from(windowsS).sort();
    const spans = spansOf(windows, after, agenda.end);
    if (spans?.length === 0) return;
    for await (const chunk of this.#times(spans, at.mark)) {
      const [customerNos, times] = chunkColumns(chunk);
      for (let i = 0; i < chunk.rowCount; i++) {
        const orderedAt = times![i]!;
        for (let w = firstAfter(windows, after - orderedAt); w < windows.length; w++) {
          const due = orderedAt + windows[w]!;
          if (due > agenda.end) break;
          if (due <= upTo) found.add(customerNos![i]!);
          agenda.add(due, customerNos![i]!, upTo);
        }
      }
    }
  }
}

/** Spans of time in which an order is due for one of the windows, ascending; undefined for too many. */
function spansOf(windows: Float64Array, after: number, end: number): number[] | undefined {
  const spans = new Set<number>();
  for (const window of windows) {
    const first = Math.floor(Math.max(0, after + 1 - window) / 2 ** SPAN_BITS);
    const last = Math.floor(Math.min(TIME_MAX, end - window) / 2 ** SPAN_BITS);
    for (let span = first; span <= last; span++) {
      spans.add(span);
      if (spans.size > SPANS_MAX) return undefined;
    }
  }
  return [...spans].sort((a, b) => a - b);
}
