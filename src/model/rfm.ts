/**
 * RFM: recency, frequency and monetary value in quintiles, and the groups that the trade names by them.
 *
 * Sources: A. M. Hughes, "Strategic Database Marketing" (1994), for quintiles of the three; the names are
 * those of the grid of recency and frequency that CleverTap, Putler and others print. Here the grid
 * is cut so that everyone who ordered is in exactly one group, and monetary value tells champions from the loyal
 * and those not to lose from those at risk.
 */
import { type TSchema, Type } from 'typebox';
import type { WrittenOrders } from './rule-schema/orders-schema.ts';
import { closed, exclusive, needs, referTo } from './rule-schema/schema-part.ts';
import type { WrittenStores } from './rule-schema/stores-schema.ts';
import { CurrencySchema, type WrittenQuintile } from './rule-schema/test-schema.ts';
import { windowSchema } from './rule-schema/window-schema.ts';
import type { WrittenRule } from './rule-schema.ts';

/** Bounds on the three quintiles; what is left out is any. */
interface RfmBounds {
  readonly recency?: WrittenQuintile;
  readonly frequency?: WrittenQuintile;
  readonly monetary?: WrittenQuintile;
}

/** Parameters of the segment type `rfm`. */
export interface RfmParams extends RfmBounds {
  readonly group?: RfmGroup;
  readonly stores?: WrittenStores;
  readonly within?: string;
  readonly currency: string;
}

const range = (atLeast: number, atMost: number): WrittenQuintile => ({ atLeast, atMost });

/** A group is one of these boxes, or two. Together they hold every (R, F, M) from 1 to 5 exactly once. */
export const RFM_GROUPS = {
  champions: [{ recency: 5, frequency: range(4, 5), monetary: range(4, 5) }],
  loyal: [
    { recency: range(3, 4), frequency: range(4, 5) },
    { recency: 5, frequency: range(4, 5), monetary: range(1, 3) },
  ],
  'potential-loyal': [{ recency: range(4, 5), frequency: range(2, 3) }],
  'new-customers': [{ recency: 5, frequency: 1 }],
  promising: [{ recency: 4, frequency: 1 }],
  'need-attention': [{ recency: 3, frequency: 3 }],
  'about-to-sleep': [{ recency: 3, frequency: range(1, 2) }],
  'at-risk': [
    { recency: range(1, 2), frequency: range(3, 4) },
    { recency: range(1, 2), frequency: 5, monetary: range(1, 3) },
  ],
  'cannot-lose': [{ recency: range(1, 2), frequency: 5, monetary: range(4, 5) }],
  hibernating: [{ recency: range(1, 2), frequency: range(1, 2) }],
} as const satisfies Readonly<Record<string, readonly RfmBounds[]>>;

/** A group's name. */
export type RfmGroup = keyof typeof RFM_GROUPS;

const DEFAULT_WINDOW = '365d';
const GROUP_NAMES = Object.keys(RFM_GROUPS) as RfmGroup[];

/** Schema of {@link RfmParams}. */
export const RFM_PARAMS: TSchema = Type.Object(
  {
    group: Type.Optional(
      Type.Enum(GROUP_NAMES, {
        title: 'Group',
        description: 'A named group; each customer who ordered is in exactly one of them.',
        examples: ['champions', 'at-risk'],
      }),
    ),
    // Of references, the titles are those of what they refer to.
    recency: Type.Optional(referTo<WrittenQuintile>('Quintile')),
    frequency: Type.Optional(referTo<WrittenQuintile>('Quintile')),
    monetary: Type.Optional(referTo<WrittenQuintile>('Quintile')),
    stores: Type.Optional(referTo<WrittenStores>('Stores')),
    within: Type.Optional(windowSchema(`How far back to look at orders; ${DEFAULT_WINDOW} when left out.`)),
    currency: CurrencySchema,
  },
  {
    ...closed,
    title: 'Parameters of rfm',
    description:
      'A named group, or quintiles of recency, frequency and monetary value; over the orders in these stores (all when left out), in this window and this currency.',
    examples: [
      { group: 'champions', stores: { city: 'BCN' }, currency: 'EUR' },
      { recency: { atMost: 2 }, monetary: 5, currency: 'EUR' },
    ],
    allOf: exclusive('either group, or any of recency, frequency, monetary', [
      needs('group'),
      { anyOf: [needs('recency'), needs('frequency'), needs('monetary')] },
    ]),
  },
);

/** The rule of `rfm`: quintiles of the last order's age, the count and the sum over the same orders. */
export function rfmRule(params: RfmParams): WrittenRule {
  const { group, stores, within = DEFAULT_WINDOW, currency } = params;
  const filter: WrittenOrders = { ...(stores === undefined ? {} : { stores }), within };
  const boxes: readonly RfmBounds[] = group === undefined ? [params] : RFM_GROUPS[group];
  const rules = boxes.map((box) => boxRule(box, filter, currency));
  return rules.length === 1 ? rules[0]! : { any: rules };
}

function boxRule(
  { recency, frequency, monetary }: RfmBounds,
  filter: WrittenOrders,
  currency: string,
): WrittenRule {
  const rules: WrittenRule[] = [];
  // The same currency for all three, so that they rank the same customers by the same orders.
  if (recency !== undefined) rules.push({ orders: { ...filter, currency, last: { quintile: recency } } });
  if (frequency !== undefined)
    rules.push({ orders: { ...filter, currency, count: { quintile: frequency } } });
  if (monetary !== undefined) rules.push({ orders: { ...filter, sum: { quintile: monetary, currency } } });
  return rules.length === 1 ? rules[0]! : { all: rules };
}
