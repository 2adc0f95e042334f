/**
 * A source of facts that a plug-in brings, with the one kind of condition on it. Its facts are occurrences:
 * something of a customer that happened at a moment, as events are, and they are kept as events. A condition
 * can hold only for a customer with an occurrence that it looks at.
 */
import type { TSchema } from 'typebox';
import type { EventFact } from './fact.ts';

/** What a row of the source says, or why it is set aside: one of a few reasons, since rows are counted by it. */
export type ReadOccurrence = OccurrenceRow | { readonly reason: string };

/** A row as read. Ids, names, moments and properties are held to what holds of events. */
export interface OccurrenceRow {
  readonly customerId: string;
  /** Unique for the customer in this source; without one the row is known by all that it says. */
  readonly id?: string;
  /** What happened, as one of the plug-in's own names: `earned`. */
  readonly name: string;
  /** ISO 8601, as in all files of facts. */
  readonly occurredAt: string;
  /** Compared and counted by their text; a number is its shortest text. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

/** An occurrence in words, for the plug-in's naive evaluation. */
export interface Occurrence {
  readonly name: string;
  /** Seconds since 1970, UTC. */
  readonly occurredAt: number;
  readonly properties: Readonly<Record<string, string>>;
}

/** An occurrence in numbers, for an accumulator. One object that is filled again and again: keep none of it. */
export interface OccurrenceView {
  /** Place of the name among those of `looksAt`. */
  readonly name: number;
  /** Seconds since 1970, UTC. */
  readonly occurredAt: number;
  /** By place of the property in `looksAt`: the number that its text reads as, NaN where it does not. */
  readonly numbers: Float64Array;
  /** By place of the property: the place of its text among the property's `values`; −1 for another, −2 for none. */
  readonly values: Int32Array;
}

/** What a condition looks at: nothing else of the customer's facts reaches it. */
export interface LooksAt {
  /** Names of occurrences, distinct; at least one. */
  readonly names: readonly string[];
  readonly properties?: readonly {
    readonly name: string;
    /** Texts that the condition compares with, distinct. */
    readonly values?: readonly string[];
  }[];
}

/** Adds up one customer's occurrences. Made once for a pass, and used for customer after customer. */
export interface ConditionAccumulator {
  /** Forgets the customer before. */
  begin(): void;
  /** Takes the next occurrence, ascending by time; those of one second come in any order. */
  add(occurrence: OccurrenceView): void;
  /** Whether the condition holds; after the last. Not asked for a customer without an occurrence. */
  holds(): boolean;
}

/** What a condition's SQL is written over. */
export interface OccurrenceSql {
  /**
   * A table of the source's occurrences up to the moment, for after FROM: `customer_no`, `name`, `occurred_at`
   * (seconds since 1970). It has the name `occurrence`.
   */
  readonly occurrences: string;
  /** Seconds since 1970. */
  readonly moment: number;
  readonly dialect: 'duckdb' | 'postgres';
  /** An expression for a text, safely. */
  text(value: string): string;
  /** An expression for a property's text, null where there is none. */
  property(name: string): string;
  /** An expression for the number (double) that a property's text reads as, null where it does not. */
  number(name: string): string;
}

/** Says what is wrong with a written condition; does not return. */
export type Refuse = (
  problem: { readonly expected: string; readonly found: string },
  ...field: readonly string[]
) => never;

/** The outcome of a naive evaluation. */
export interface NaiveHolds {
  readonly holds: boolean;
  /** What was measured, for explanations; null where there is nothing. */
  readonly value: number | string | null;
}

/** The kind of condition on a plug-in's source. `Params` is JSON; all functions are pure. */
export interface PluginCondition<Written = never, Params = never> {
  /**
   * JSON Schema of the written form, with title, description and examples on every field. The examples of
   * the whole are tried out when the plug-in is loaded. Ids of the parts of rules may be referred to.
   */
  readonly schema: TSchema;
  /** The written form, which follows the schema, as parameters; the same for all that mean the same. */
  normalize(written: Written, refuse: Refuse): Params;
  /** As a phrase about a customer: "at least 100 points within 30d". */
  describe(params: Params): string;
  looksAt(params: Params): LooksAt;
  /** How long after an occurrence time alone can change the condition: whole seconds, such as its window. */
  offsets(params: Params): readonly number[];
  /** Runs in worker threads, where the module is loaded by its URL. */
  accumulator(params: Params, moment: number): ConditionAccumulator;
  /**
   * The slow and obvious way, which the fast one is held to, and which explains. With none it must not hold.
   *
   * @param occurrences - Those that it looks at, up to the moment, ascending by time.
   */
  naive(params: Params, occurrences: readonly Occurrence[], moment: number): NaiveHolds;
  /** A query that yields `customer_no`, those for whom it holds, each once: what an analyst would write. */
  sql(params: Params, over: OccurrenceSql): string;
}

/** A source of facts and the condition on it. */
export interface PluginSource<Row = never, Written = never, Params = never> {
  /** Lower-case letters: the field in rules, the path under `/v1/facts`, the word in subjects of streams. */
  readonly name: string;
  /** One sentence for people: what its facts are. */
  readonly description: string;
  /** JSON Schema of a row; a row that does not follow it is set aside. */
  readonly row: TSchema;
  read(row: Row): ReadOccurrence;
  readonly condition: PluginCondition<Written, Params>;
}

/** A source that is installed: checked, with its failures in the words of the catalogue. As JSON it is its name. */
export interface InstalledSource {
  readonly name: string;
  /** Of the plug-in. */
  readonly plugin: string;
  readonly description: string;
  /** URL of the module that it comes from. */
  readonly module: string;
  readonly row: TSchema;
  /** Its `$id` is the source's name. */
  readonly conditionSchema: TSchema;
  /** A row as the event that it is kept as. */
  readRow(row: unknown): { readonly fact: EventFact } | { readonly reason: string };
  /** @param refuse - Told of a problem; the answer is then undefined. */
  normalize(
    written: unknown,
    refuse: (
      field: readonly string[],
      problem: { readonly expected: string; readonly found: string },
    ) => void,
  ): unknown;
  describe(params: unknown): string;
  looksAt(params: unknown): LooksAt;
  offsets(params: unknown): readonly number[];
  naive(params: unknown, occurrences: readonly Occurrence[], moment: number): NaiveHolds;
  sql(params: unknown, over: OccurrenceSql): string;
  toJSON(): string;
}

/** Names of events under which a source's occurrences are kept begin with this. */
export function occurrencePrefix(source: string): string {
  return `${source}/`;
}
