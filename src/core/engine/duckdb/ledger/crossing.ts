/**
 * Finds customers whose facts come to an offset of their source as time passes, such as an order to the
 * edge of a window. One pass over the times of all facts of a source fills an agenda for the next hour; the
 * ticks in between only look at it. An agenda may name a customer for a version that was superseded since,
 * or for an offset that is no longer asked for: such a customer is evaluated to the same. It never leaves
 * one out.
 */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { TimeOffsets } from '../../live-facts.ts';
import type { ColumnBlock } from '../column-block.ts';
import { chunkColumns } from '../column-block.ts';
import type { DuckDbDatabase } from '../database.ts';
import { Agenda, firstAfter, type TimedSource } from './agenda.ts';
import { CustomerBits } from './customer-bits.ts';
import { SPAN_BITS, type TimesAt, TRAIT_KIND, timesSql } from './ledger-query.ts';

/** A pass over 100 M orders takes 1 s of one core, and so costs little once an hour. */
const HORIZON_S = 3_600;
/** Where a clock takes large steps, a pass serves this many of them. */
const HORIZON_STEPS = 8;
/** 8 bytes each. */
const ENTRIES_MAX = 8_000_000;
/** With more spans than this, nearly all facts are in one of them. */
const SPANS_MAX = 8_192;
const TIME_MAX = 0xffff_ffff;

const SOURCES: readonly TimedSource[] = ['orders', 'events', 'traits', 'scores'];

/** Columns of fresh orders and events, and of fresh traits. */
const CUSTOMER = 0;
const NAME = 1;
const TIME = 2;
const MOMENT = 4;
const KIND = 5;

export class Crossing {
  readonly #database: DuckDbDatabase;
  readonly #entriesMax: number;
  #agenda: Agenda | undefined;
  #lastStepS = 0;

  constructor(database: DuckDbDatabase, entriesMax = ENTRIES_MAX) {
    this.#database = database;
    this.#entriesMax = entriesMax;
  }

  /** Enters orders or events that were taken in. */
  addFacts(source: 'orders' | 'events', { columns, count }: ColumnBlock): void {
    const agenda = this.#agenda;
    if (agenda === undefined) return;
    for (let i = 0; i < count; i++) agenda.addFact(source, columns[TIME]![i]!, columns[CUSTOMER]![i]!);
    if (agenda.overflowed) this.#agenda = undefined;
  }

  /**
   * Enters traits and scores that were taken in.
   *
   * @param hiddenNames - Of scores that do not count, and so come to no end.
   */
  addTraits({ columns, count }: ColumnBlock, hiddenNames: ReadonlySet<number>): void {
    const agenda = this.#agenda;
    if (agenda === undefined) return;
    for (let i = 0; i < count; i++) {
      const moment = columns[MOMENT]![i]!;
      if (!Number.isFinite(moment) || hiddenNames.has(columns[NAME]![i]!)) continue;
      const source = columns[KIND]![i] === TRAIT_KIND.score ? 'scores' : 'traits';
      agenda.addFact(source, moment, columns[CUSTOMER]![i]!);
    }
    if (agenda.overflowed) this.#agenda = undefined;
  }

  /** Forgets what was found, as the facts are others now. */
  reset(): void {
    this.#agenda = undefined;
  }

  /** See `LiveFacts.crossing`. */
  async between(offsets: TimeOffsets, after: number, upTo: number, at: TimesAt): Promise<Uint32Array> {
    const found = new CustomerBits();
    if (upTo <= after || SOURCES.every((source) => offsets[source].length === 0)) return found.ascending();
    const stepS = upTo - after;
    const horizonS = Math.max(HORIZON_S, HORIZON_STEPS * Math.min(stepS, this.#lastStepS));
    this.#lastStepS = stepS;
    const agenda = this.#agenda?.covers(after, upTo)
      ? this.#agenda
      : new Agenda(after, upTo + horizonS, this.#entriesMax);
    this.#agenda = agenda;
    try {
      for (const source of SOURCES) {
        const missing = agenda.missing(source, offsets[source]);
        if (missing.length === 0) continue;
        agenda.watch(source, missing);
        await this.#fill(agenda, source, { offsetsS: missing, after, upTo, at, found });
      }
    } catch (error) {
      this.#agenda = undefined;
      throw error;
    }
    agenda.due(after, upTo, (customerNo) => found.add(customerNo));
    if (agenda.overflowed) this.#agenda = undefined;
    else agenda.forget(after);
    return found.ascending();
  }

  async *#times(
    source: TimedSource,
    spans: readonly number[] | undefined,
    at: TimesAt,
  ): AsyncGenerator<DuckDBDataChunk> {
    const session = await this.#database.connect();
    try {
      if (spans === undefined) {
        yield* session.stream(timesSql(source, spans, at));
      } else {
        // A filter leaves a few rows of each chunk, and chunks cost more than rows: a table has full ones.
        await session.run(`CREATE TEMP TABLE time_within AS ${timesSql(source, spans, at)}`);
        yield* session.stream(`FROM time_within`);
      }
    } finally {
      await session.close();
    }
  }

  /** One pass over the times of a source. What is due by `upTo` is found, even where the agenda is full. */
  async #fill(
    agenda: Agenda,
    source: TimedSource,
    pass: {
      readonly offsetsS: readonly number[];
      readonly after: number;
      readonly upTo: number;
      readonly at: TimesAt;
      readonly found: CustomerBits;
    },
  ): Promise<void> {
    const { after, upTo, found } = pass;
    const offsets = Float64Array.from(pass.offsetsS).sort();
    const spans = spansOf(offsets, after, agenda.end);
    if (spans?.length === 0) return;
    for await (const chunk of this.#times(source, spans, pass.at)) {
      const [customerNos, times] = chunkColumns(chunk);
      for (let i = 0; i < chunk.rowCount; i++) {
        const time = times![i]!;
        for (let k = firstAfter(offsets, after - time); k < offsets.length; k++) {
          const due = time + offsets[k]!;
          if (due > agenda.end) break;
          if (due <= upTo) found.add(customerNos![i]!);
          agenda.add(due, customerNos![i]!, upTo);
        }
      }
    }
  }
}

/** Spans of time in which a fact is due for one of the offsets, ascending; undefined for too many. */
function spansOf(offsets: Float64Array, after: number, end: number): number[] | undefined {
  const spans = new Set<number>();
  for (const offset of offsets) {
    const first = Math.floor(Math.max(0, after + 1 - offset) / 2 ** SPAN_BITS);
    const last = Math.floor(Math.min(TIME_MAX, end - offset) / 2 ** SPAN_BITS);
    for (let span = first; span <= last; span++) {
      spans.add(span);
      if (spans.size > SPANS_MAX) return undefined;
    }
  }
  return [...spans].sort((a, b) => a - b);
}
