/** Facts as columns: what a scan brings, customer by customer, for the evaluator to walk over. */

/** Which columns of orders a scan must bring. Customer, store and time always come. */
export interface ScanColumns {
  /** Default true. Without them only traits come, for conditions on nothing else. */
  readonly orders?: boolean;
  /** Total, discount and currency, for conditions on amounts. */
  readonly amounts: boolean;
  readonly traits: boolean;
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
  /** Traits in the same range of customers, ascending by customer, then name. 0 when not asked for. */
  readonly traitCount: number;
  readonly traitCustomerNo?: Uint32Array;
  readonly traitNameNo?: Uint32Array;
  readonly traitValueNo?: Uint32Array;
  /** The value as a number, NaN where it does not read as one. */
  readonly traitNumber?: Float64Array;
  /** Gives the memory back to the scan; the batch must not be read after. */
  release(): void;
}
