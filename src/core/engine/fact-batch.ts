/** Facts as columns: what a scan brings, customer by customer, for the evaluator to walk over. */

/** Statuses as numbers, in tables, batches and plans. */
export const STATUS_CODE = { completed: 0, cancelled: 1, refunded: 2 } as const;

/** `valueNo` of the first of the texts that tests compare with; below: 1, another value; 0, none. */
export const FIRST_VALUE_NO = 2;

/** Which columns of orders a scan must bring. Customer, store and time always come. */
export interface ScanColumns {
  /** Default true. Without them only the other columns that are asked for come, for conditions on nothing else. */
  readonly orders?: boolean;
  /** Total, discount and currency, for conditions on amounts. */
  readonly amounts: boolean;
  /** Traits, scores of versions in force, and entries of lists. */
  readonly traits: boolean;
  /** Only those of these names, ascending: of the others none comes. Absent: all. */
  readonly traitNames?: readonly number[];
  /** Default false: orders that do not count come too, in columns of their own. */
  readonly uncounted?: boolean;
  /** Absent: no events. */
  readonly events?: EventColumns;
}

/** Which events a scan must bring, and what of their properties. */
export interface EventColumns {
  /** Numbers of event names, ascending; events of others do not come. */
  readonly names: readonly number[];
  /** Properties that are tested, each once. */
  readonly properties: readonly {
    readonly name: string;
    /** Texts that tests compare with, distinct: the batch says which one a value is. */
    readonly values: readonly string[];
  }[];
}

/**
 * The facts of some customers, whole: ascending by customer, then store, then time. Only orders that
 * count (latest version, not cancelled or refunded), whatever their time. All arrays view shared
 * memory, so a batch is handed to a worker without a copy. Arrays may be longer than the count.
 */
export interface FactBatch {
  readonly orderCount: number;
  readonly customerNo: Uint32Array;
  /** 0 where the order has no store. */
  readonly storeNo: Uint32Array;
  /** Seconds since 1970. */
  readonly orderedAt: Uint32Array;
  /** Whole ten-thousandths in a float64; present when asked for. */
  readonly totalE4?: Float64Array;
  readonly discountE4?: Float64Array;
  readonly currencyNo?: Uint16Array;
  /**
   * Orders of the same range of customers that do not count, ascending by customer, then store, then time.
   * Present, with amounts, when asked for.
   */
  readonly uncounted?: {
    readonly count: number;
    readonly customerNo: Uint32Array;
    readonly storeNo: Uint32Array;
    readonly orderedAt: Uint32Array;
    readonly totalE4: Float64Array;
    readonly discountE4: Float64Array;
    readonly currencyNo: Uint16Array;
    /** See `STATUS_CODE`. */
    readonly status: Uint8Array;
  };
  /**
   * Traits, scores and entries of lists of the same range of customers, ascending by customer, then name:
   * each is a name with a number (see `FactDictionary`). 0 when not asked for. Only those in force: of a
   * list, only customers who are on it.
   */
  readonly traitCount: number;
  readonly traitCustomerNo?: Uint32Array;
  readonly traitNameNo?: Uint32Array;
  /** 0 of scores and lists. */
  readonly traitValueNo?: Uint32Array;
  /** The value as a number, NaN where it does not read as one. Of a score its value. */
  readonly traitNumber?: Float64Array;
  /** Seconds since 1970: of a trait the moment that it reads as, NaN if none; of a score the end of its validity, Infinity if none. */
  readonly traitMoment?: Float64Array;
  /** Events of the same range of customers, ascending by customer, then name, then time. Present when asked for. */
  readonly events?: {
    readonly count: number;
    readonly customerNo: Uint32Array;
    readonly nameNo: Uint32Array;
    readonly occurredAt: Uint32Array;
    /** As `EventColumns.properties`. */
    readonly properties: readonly {
      /** Index of the value among `values` plus `FIRST_VALUE_NO`; 1: another value; 0: the event has no such property. */
      readonly valueNo: Uint32Array;
      /** NaN where the value does not read as a number. */
      readonly number: Float64Array;
    }[];
  };
  /** Gives the memory back to the scan; the batch must not be read after. */
  release(): void;
}
