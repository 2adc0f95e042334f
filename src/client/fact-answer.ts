/** Facts as the client sends them, and what the HTTP API answers of them, of models and of lists. */
export type { FactSource } from '../model/fact.ts';

export interface FactCountsAnswer {
  readonly customers: number;
  readonly stores: number;
  readonly orders: number;
  readonly traits: number;
  readonly events: number;
  /** Of every version of every model. */
  readonly scores: number;
  /** Customers on lists, over all lists. */
  readonly listEntries: number;
  readonly batchNo: number;
  readonly lastOrderAt?: string;
}

/** Something that happened. Other fields are properties too. */
export interface EventRow {
  readonly customer_id: string;
  readonly name: string;
  /** ISO 8601. */
  readonly occurred_at: string;
  /** Absent: a hash of all that the event says. */
  readonly event_id?: string;
  readonly properties?: Readonly<Record<string, string | number | boolean | null>>;
  readonly [property: string]: unknown;
}

export interface ScoreRow {
  readonly customer_id: string;
  readonly model: string;
  /** Finite. */
  readonly value: number;
  readonly version?: string;
  /** ISO 8601: it counts before this moment. Absent: for ever. */
  readonly valid_until?: string;
}

export interface ListRow {
  readonly customer_id: string;
  readonly list: string;
  /** False: not on it any more. Default true. */
  readonly listed?: boolean;
}

/** What rows of each source are. */
export interface FactRows {
  readonly orders: object;
  readonly customers: object;
  readonly stores: object;
  readonly events: EventRow;
  readonly scores: ScoreRow;
  readonly lists: ListRow;
}

/** A version of a model. */
export interface ModelVersion {
  readonly model: string;
  readonly version: string;
}

/** What became of rows of facts. */
export interface FactsAnswer {
  /** Durable now. */
  readonly accepted: number;
  readonly rejected: number;
  /** Rows about customers who were forgotten: dropped. Absent: none. */
  readonly erased?: number;
  /** Rows that moved an order here from another customer, who no longer has it. Absent: none. */
  readonly moved?: number;
  /** What is worth a look in rows that were accepted: text → rows. Absent: nothing. */
  readonly warnings?: Readonly<Record<string, number>>;
  /** Reason → rows. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The first rows set aside, 100 unless more were asked for; the index counts rows from 0. */
  readonly rejects: readonly { readonly index: number; readonly reason: string }[];
  /** Of lists, when they were asked for: rows that changed nothing, and customers never heard of before. */
  readonly unchanged?: number;
  readonly unknown?: number;
  /** The last batch that holds rows of this request; absent when none was accepted. */
  readonly batchNo?: number;
  /** Of scores: the versions that rows were accepted of, the last that arrived last; at most 1,000. */
  readonly versions?: readonly ModelVersion[];
  /** Of scores, when it was asked for: the versions put in force, with the batch from which on they are. */
  readonly activated?: readonly (ModelVersion & { readonly batchNo: number })[];
}

/** A model and its versions, in order of their first arrival. */
export interface ModelAnswer {
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

export interface ListAnswer {
  readonly list: string;
  /** Known customers on it. */
  readonly customers: number;
}

/** What became of ids that were sent for a list. */
export interface ListUploadAnswer {
  readonly list: string;
  /** Durable now. */
  readonly accepted: number;
  readonly rejected: number;
  /** Of those accepted, what changed nothing: who is on the list already (or is not), and repeats. */
  readonly unchanged: number;
  /** Customers never heard of before; they are known from now on. */
  readonly unknown: number;
  /** Of a replacement: customers who were on the list, and are not in the upload. */
  readonly delisted?: number;
  /** Ids of customers who were forgotten: dropped. Absent: none. */
  readonly erased?: number;
  /** What is worth a look in rows that were accepted: text → rows. Absent: nothing. */
  readonly warnings?: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  readonly rejects: readonly { readonly index: number; readonly reason: string }[];
  readonly batchNo: number;
}
