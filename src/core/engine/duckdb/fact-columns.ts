/**
 * Facts as columns of blocks, and as they stand in a batch: the one place that knows which column is
 * which, for scans of the tables and of the ledger.
 */
import type { EventColumns, FactBatch } from '../fact-batch.ts';
import type { ColumnBlock, ColumnType } from './column-block.ts';

/** Customer, store, time. */
const ORDER_TYPES: readonly ColumnType[] = [Uint32Array, Uint32Array, Uint32Array];
/** Total, discount, currency. */
const AMOUNT_TYPES: readonly ColumnType[] = [Float64Array, Float64Array, Uint16Array];

/** Customer, store, time, and with amounts: total, discount, currency. */
export const orderTypes = (amounts: boolean): readonly ColumnType[] =>
  amounts ? [...ORDER_TYPES, ...AMOUNT_TYPES] : ORDER_TYPES;

/** Columns of orders with amounts, and the status. */
export const UNCOUNTED_TYPES: readonly ColumnType[] = [...ORDER_TYPES, ...AMOUNT_TYPES, Uint8Array];

/** Customer, name, value, number, moment. */
export const TRAIT_TYPES: readonly ColumnType[] = [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Float64Array,
  Float64Array,
];

/** Customer, name, time, and of each property: value, number. */
export const eventTypes = ({ properties }: EventColumns): readonly ColumnType[] => [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  ...properties.flatMap((): ColumnType[] => [Uint32Array, Float64Array]),
];

/** Where the properties of events begin, two columns each. */
export const EVENT_PROPERTIES_AT = 3;

/** Rows [from, to) of a block. */
export interface Rows {
  readonly block: ColumnBlock;
  readonly from: number;
  readonly to: number;
}

/** All rows of a block. */
export const wholeBlock = (block: ColumnBlock): Rows => ({ block, from: 0, to: block.count });

type OrderFields = Pick<
  FactBatch,
  'orderCount' | 'customerNo' | 'storeNo' | 'orderedAt' | 'totalE4' | 'discountE4' | 'currencyNo'
>;
type TraitFields = Pick<
  FactBatch,
  'traitCount' | 'traitCustomerNo' | 'traitNameNo' | 'traitValueNo' | 'traitNumber' | 'traitMoment'
>;

const NONE = new Uint32Array(new SharedArrayBuffer(0));

/** Columns of `orderTypes`; without a block there are none. */
export function orderFields(rows: Rows | undefined): OrderFields {
  if (rows === undefined) return { orderCount: 0, customerNo: NONE, storeNo: NONE, orderedAt: NONE };
  const [customerNo, storeNo, orderedAt, totalE4, discountE4, currencyNo] = columnsOf(rows);
  return {
    orderCount: rows.to - rows.from,
    customerNo: customerNo as Uint32Array,
    storeNo: storeNo as Uint32Array,
    orderedAt: orderedAt as Uint32Array,
    ...(totalE4 === undefined
      ? {}
      : {
          totalE4: totalE4 as Float64Array,
          discountE4: discountE4 as Float64Array,
          currencyNo: currencyNo as Uint16Array,
        }),
  };
}

/** Columns of `UNCOUNTED_TYPES`. */
export function uncountedFields(rows: Rows): NonNullable<FactBatch['uncounted']> {
  const [customerNo, storeNo, orderedAt, totalE4, discountE4, currencyNo, status] = columnsOf(rows);
  return {
    count: rows.to - rows.from,
    customerNo: customerNo as Uint32Array,
    storeNo: storeNo as Uint32Array,
    orderedAt: orderedAt as Uint32Array,
    totalE4: totalE4 as Float64Array,
    discountE4: discountE4 as Float64Array,
    currencyNo: currencyNo as Uint16Array,
    status: status as Uint8Array,
  };
}

/** Columns of `TRAIT_TYPES`. */
export function traitFields(rows: Rows): TraitFields {
  const [customerNo, nameNo, valueNo, number, moment] = columnsOf(rows);
  return {
    traitCount: rows.to - rows.from,
    traitCustomerNo: customerNo as Uint32Array,
    traitNameNo: nameNo as Uint32Array,
    traitValueNo: valueNo as Uint32Array,
    traitNumber: number as Float64Array,
    traitMoment: moment as Float64Array,
  };
}

/** Columns of `eventTypes`. */
export function eventFields(rows: Rows): NonNullable<FactBatch['events']> {
  const [customerNo, nameNo, occurredAt, ...rest] = columnsOf(rows);
  return {
    count: rows.to - rows.from,
    customerNo: customerNo as Uint32Array,
    nameNo: nameNo as Uint32Array,
    occurredAt: occurredAt as Uint32Array,
    properties: Array.from({ length: rest.length / 2 }, (_, i) => ({
      valueNo: rest[2 * i] as Uint32Array,
      number: rest[2 * i + 1] as Float64Array,
    })),
  };
}

const columnsOf = ({ block, from }: Rows) =>
  from === 0 ? block.columns : block.columns.map((column) => column.subarray(from));
