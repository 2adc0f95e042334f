/** The written form of a condition on orders: which orders are looked at, and what is measured over them. */
import { Type } from 'typebox';
import type { OrderStatus } from '../fact.ts';
import { atMostOne, closed, oneOrMoreOf, plainText, referTo, truth } from './schema-part.ts';
import type { WrittenStores } from './stores-schema.ts';
import {
  amountSchema,
  CurrencySchema,
  type WrittenAgeTest,
  type WrittenAmountTest,
  type WrittenRankedAgeTest,
  type WrittenRankedCountTest,
} from './test-schema.ts';
import { WindowSchema } from './window-schema.ts';

/** Days of the week in their order: Monday is the first. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type WrittenWeekday = (typeof WEEKDAYS)[number];

/** Statuses of orders in the order in which a normal form has them. */
export const ORDER_STATUSES = [
  'completed',
  'cancelled',
  'refunded',
] as const satisfies readonly OrderStatus[];

/** Which orders are looked at, besides their time. */
export interface WrittenOrderFilter {
  readonly stores?: WrittenStores;
  readonly minimumTotal?: { readonly amount: number | string; readonly currency: string };
  readonly discounted?: boolean;
  readonly status?: OrderStatus | readonly OrderStatus[];
  readonly weekday?: WrittenWeekday | readonly WrittenWeekday[];
  readonly hours?: { readonly from: number; readonly to: number };
  readonly timeZone?: string;
  readonly currency?: string;
}

/** At most one measure; without any, one order or more. */
export interface WrittenOrders extends WrittenOrderFilter {
  readonly within?: string;
  readonly count?: WrittenRankedCountTest;
  readonly sum?: WrittenAmountTest;
  readonly average?: WrittenAmountTest;
  readonly minimum?: WrittenAmountTest;
  readonly maximum?: WrittenAmountTest;
  readonly days?: WrittenRankedCountTest;
  readonly distinctStores?: WrittenRankedCountTest;
  readonly first?: WrittenAgeTest;
  readonly last?: WrittenRankedAgeTest;
}

const HoursSchema = Type.Object(
  {
    from: Type.Integer({
      title: 'Full hour',
      description: 'The first hour, from 0 to 23.',
      examples: [18],
      minimum: 0,
      maximum: 23,
    }),
    to: Type.Integer({
      title: 'Full hour',
      description: 'Up to, not including, this hour, from 0 to 24; 0 and 24 are both midnight.',
      examples: [23],
      minimum: 0,
      maximum: 24,
    }),
  },
  {
    ...closed,
    title: 'Hours of the day',
    description:
      'Only orders placed from one full hour up to, not including, another, in the time zone; where the second is not later, through midnight.',
    examples: [
      { from: 18, to: 23 },
      { from: 22, to: 2 },
    ],
  },
);

const orderFilter = {
  stores: Type.Optional(referTo<WrittenStores>('Stores')),
  minimumTotal: Type.Optional(
    Type.Object(
      { amount: amountSchema('Amount', 'The smallest total that counts.'), currency: CurrencySchema },
      {
        ...closed,
        title: 'Amount with a currency',
        description: 'Only orders whose total is at least this are looked at.',
        examples: [{ amount: 20, currency: 'EUR' }],
      },
    ),
  ),
  discounted: Type.Optional(truth('Only orders with (true) or without (false) a discount.')),
  status: Type.Optional(
    oneOrMoreOf(
      ORDER_STATUSES,
      'Status of an order',
      'Only orders with this status; completed ones when left out.',
    ),
  ),
  weekday: Type.Optional(
    oneOrMoreOf(WEEKDAYS, 'Day of the week', 'Only orders placed on this day, in the time zone.'),
  ),
  hours: Type.Optional(HoursSchema),
  timeZone: Type.Optional(
    plainText({
      title: 'Time zone',
      description:
        'IANA name of the zone that days, weekdays and hours are read in; UTC when left out. Only with weekday, hours or days.',
      examples: ['Europe/Madrid'],
      maxLength: 100,
    }),
  ),
  currency: Type.Optional(CurrencySchema),
};

/** Which orders a step of a sequence looks at. */
export const OrderFilterSchema = Type.Object(orderFilter, {
  ...closed,
  $id: 'OrderFilter',
  title: 'Filter of orders',
  description: 'Which orders are looked at; all completed ones when nothing is given.',
  examples: [{}, { stores: { brand: 'burger-house' } }, { status: 'refunded' }],
});

/** Words for what can be measured over orders. */
export const ORDER_MEASURES = [
  'count',
  'sum',
  'average',
  'minimum',
  'maximum',
  'days',
  'distinctStores',
  'first',
  'last',
] as const;

const amountTest = () => Type.Optional(referTo<WrittenAmountTest>('AmountTest'));
const countTest = () => Type.Optional(referTo<WrittenRankedCountTest>('RankedCountTest'));

/** A test on a customer's orders. */
export const OrdersSchema = Type.Object(
  {
    ...orderFilter,
    within: Type.Optional(WindowSchema),
    count: countTest(),
    sum: amountTest(),
    average: amountTest(),
    minimum: amountTest(),
    maximum: amountTest(),
    days: countTest(),
    distinctStores: countTest(),
    first: Type.Optional(referTo<WrittenAgeTest>('AgeTest')),
    last: Type.Optional(referTo<WrittenRankedAgeTest>('RankedAgeTest')),
  },
  {
    ...closed,
    $id: 'Orders',
    title: 'Condition on orders',
    description:
      'A test on the orders of a customer. Without a measure it holds for one order or more; without a window it looks at all time. Cancelled and refunded orders count only where status names them.',
    examples: [
      { stores: { brand: 'burger-house' }, within: '30d', count: { atLeast: 3 } },
      { sum: { topPercent: 10, currency: 'EUR' }, within: '365d' },
      { weekday: ['sat', 'sun'], timeZone: 'Europe/Madrid' },
      { first: { within: '30d' } },
    ],
    allOf: atMostOne(ORDER_MEASURES),
  },
);
