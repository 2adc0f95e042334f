/** One customer's facts as the columns of a scan, built anew for each. */
import { type EventFact, type OrderFact, traitNumber } from '../../../model/fact.ts';
import type { RowNo } from '../engine.ts';
import {
  type EventColumns,
  type FactBatch,
  FIRST_VALUE_NO,
  type ScanColumns,
  STATUS_CODE,
} from '../fact-batch.ts';

/** An order with the numbers that stand for its texts. */
export interface NumberedOrder {
  readonly fact: OrderFact;
  readonly storeNo: RowNo;
  readonly currencyNo: number;
}

/** A trait, a score or an entry of a list. */
export interface NamedValue {
  readonly nameNo: number;
  readonly valueNo: number;
  readonly number: number;
  readonly moment: number;
}

export interface NumberedEvent {
  readonly fact: EventFact;
  readonly nameNo: number;
}

/** What a batch is built of; in any order. */
export interface CustomerRows {
  readonly no: RowNo;
  readonly orders: readonly NumberedOrder[];
  readonly uncounted: readonly NumberedOrder[];
  readonly values: readonly NamedValue[];
  readonly events: readonly NumberedEvent[];
}

/** The batch, sorted as `FactBatch` says, with the columns that are asked for. */
export function memoryBatch(rows: CustomerRows, columns: ScanColumns): FactBatch {
  const orders = sorted(rows.orders);
  const values = [...rows.values].sort((a, b) => a.nameNo - b.nameNo);
  return {
    orderCount: orders.length,
    ...orderColumns(rows.no, orders),
    ...(columns.amounts && amountColumns(orders)),
    ...(columns.uncounted && { uncounted: uncountedOrders(rows.no, sorted(rows.uncounted)) }),
    traitCount: values.length,
    ...(columns.traits && {
      traitCustomerNo: column(Uint32Array, values, () => rows.no),
      traitNameNo: column(Uint32Array, values, (value) => value.nameNo),
      traitValueNo: column(Uint32Array, values, (value) => value.valueNo),
      traitNumber: column(Float64Array, values, (value) => value.number),
      traitMoment: column(Float64Array, values, (value) => value.moment),
    }),
    ...(columns.events && { events: eventColumns(rows, columns.events) }),
    release: () => {},
  };
}

function sorted(orders: readonly NumberedOrder[]): NumberedOrder[] {
  return [...orders].sort((a, b) => a.storeNo - b.storeNo || a.fact.orderedAt - b.fact.orderedAt);
}

function orderColumns(no: RowNo, orders: readonly NumberedOrder[]) {
  return {
    customerNo: column(Uint32Array, orders, () => no),
    storeNo: column(Uint32Array, orders, (order) => order.storeNo),
    orderedAt: column(Uint32Array, orders, (order) => order.fact.orderedAt),
  };
}

function amountColumns(orders: readonly NumberedOrder[]) {
  return {
    totalE4: column(Float64Array, orders, (order) => order.fact.totalE4),
    discountE4: column(Float64Array, orders, (order) => order.fact.discountE4),
    currencyNo: column(Uint16Array, orders, (order) => order.currencyNo),
  };
}

function uncountedOrders(no: RowNo, orders: readonly NumberedOrder[]): NonNullable<FactBatch['uncounted']> {
  return {
    count: orders.length,
    ...orderColumns(no, orders),
    ...amountColumns(orders),
    status: column(Uint8Array, orders, (order) => STATUS_CODE[order.fact.status]),
  };
}

function eventColumns(rows: CustomerRows, asked: EventColumns): NonNullable<FactBatch['events']> {
  const events = [...rows.events].sort(
    (a, b) => a.nameNo - b.nameNo || a.fact.occurredAt - b.fact.occurredAt,
  );
  return {
    count: events.length,
    customerNo: column(Uint32Array, events, () => rows.no),
    nameNo: column(Uint32Array, events, (event) => event.nameNo),
    occurredAt: column(Uint32Array, events, (event) => event.fact.occurredAt),
    properties: asked.properties.map(({ name, values }) => {
      const value = ({ fact }: NumberedEvent) =>
        Object.hasOwn(fact.properties, name) ? fact.properties[name] : undefined;
      return {
        valueNo: column(Uint32Array, events, (event) => {
          const text = value(event);
          // An index of −1 becomes 1: another value.
          return text === undefined ? 0 : values.indexOf(text) + FIRST_VALUE_NO;
        }),
        number: column(Float64Array, events, (event) => traitNumber(value(event) ?? '') ?? Number.NaN),
      };
    }),
  };
}

interface SharedArray<T> {
  new (buffer: SharedArrayBuffer): T;
  readonly BYTES_PER_ELEMENT: number;
}

function column<T extends { set(values: readonly number[]): void }, Row>(
  type: SharedArray<T>,
  rows: readonly Row[],
  value: (row: Row) => number,
): T {
  const array = new type(new SharedArrayBuffer(rows.length * type.BYTES_PER_ELEMENT));
  array.set(rows.map(value));
  return array;
}
