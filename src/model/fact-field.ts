/** Names of the fields that rows of facts have, by source: the same in files, over HTTP and in streams. */
import type { FactSource } from './fact.ts';

/** All that mean something by themselves. */
export const FACT_FIELDS: Readonly<Record<FactSource, readonly string[]>> = {
  orders: [
    'customer_id',
    'order_id',
    'ordered_at',
    'store_id',
    'total',
    'discount',
    'currency',
    'status',
    'previous_customer_id',
  ],
  stores: ['store_id', 'brand', 'city', 'category', 'tags', 'opened_at', 'closed_at'],
  customers: ['customer_id'],
  events: ['customer_id', 'event_id', 'name', 'occurred_at', 'properties'],
  scores: ['customer_id', 'model', 'value', 'version', 'valid_until'],
  lists: ['customer_id', 'list', 'listed'],
};

/** Those without which no row can be used. */
export const NEEDED_FIELDS: Readonly<Record<FactSource, readonly string[]>> = {
  orders: ['customer_id', 'order_id', 'ordered_at', 'total'],
  stores: ['store_id'],
  customers: ['customer_id'],
  events: ['customer_id', 'name', 'occurred_at'],
  scores: ['customer_id', 'model', 'value'],
  lists: ['customer_id', 'list'],
};

/** Whether every other field is a fact too, of its own name: a trait, or a property. */
export function takesAnyField(source: FactSource): boolean {
  return source === 'customers' || source === 'events';
}
