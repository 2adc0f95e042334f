/**
 * Rules of every kind for a simulated life, one function for each: all measures and filters of orders with
 * zones, events, traits with dates, scores, lists, sequences, references, and more conditions than a truth
 * table holds. Windows go from an hour to a year.
 */
import type { WrittenRule } from '../../src/model/rule-schema.ts';
import { oneOf, type Random } from './life-draw.ts';
import { EVENT_NAMES, LISTS, MODELS } from './life-facts.ts';

export const WINDOWS = ['1h', '3h', '12h', '1d', '2d', '7d', '14d', '30d', '90d', '180d', '365d'] as const;
const ZONES = ['Europe/Madrid', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'] as const;
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const TIERS = ['bronze', 'silver', 'gold'] as const;
export const RANKED_WINDOWS = ['2d', '30d', '365d'] as const;
const SHORT_WINDOWS = 6;
/** So many segments others may refer to; they are never archived. */
export const PILLARS = 6;

export interface Drawn {
  readonly random: Random;
  readonly within: string;
  readonly stores: readonly string[];
}

/** Segments that others refer to. */
export function pillarKey(index: number): string {
  return `pillar-${index}`;
}

/** From `least`, up to `least + range - 1`. */
function whole(random: Random, least: number, range: number): number {
  return least + Math.floor(random() * range);
}

/** A window and a longer one. */
function twoWindows(random: Random): { readonly short: string; readonly long: string } {
  const place = whole(random, 0, WINDOWS.length - 1);
  return { short: WINDOWS[place]!, long: WINDOWS[whole(random, place + 1, WINDOWS.length - place - 1)]! };
}

export type MakeRule = (drawn: Drawn) => WrittenRule;

export const ORDER_RULES: readonly MakeRule[] = [
  ({ within, random }) => ({ orders: { within, count: { atLeast: 1, atMost: whole(random, 1, 4) } } }),
  ({ within, stores, random }) => ({
    all: [
      { orders: { within, stores, sum: { atLeast: whole(random, 0, 90), currency: 'EUR' } } },
      { not: { trait: { name: 'tier', equals: 'gold' } } },
    ],
  }),
  ({ within, stores }) => ({
    any: [
      { orders: { within, stores: { city: 'BCN' }, average: { atMost: 30, currency: 'EUR' } } },
      {
        all: [
          { orders: { stores } },
          { not: { orders: { stores, within } } },
          { trait: { name: 'tier', in: ['gold', 'silver'] } },
        ],
      },
    ],
  }),
  ({ within, stores, random }) => ({
    orders: {
      within,
      stores,
      minimum: { atLeast: whole(random, 5, 40), currency: oneOf(['EUR', 'USD'], random) },
    },
  }),
  ({ within, random }) => ({
    orders: {
      within,
      stores: { category: ['burger', 'pizza'] },
      maximum: { atLeast: whole(random, 10, 60), atMost: 75, currency: 'EUR' },
    },
  }),
  ({ within, random }) => ({
    orders: {
      within,
      days: { atLeast: whole(random, 1, 3), atMost: 6 },
      weekday: [oneOf(WEEKDAYS, random), 'sun'].filter((day, i, all) => all.indexOf(day) === i) as ['sun'],
      timeZone: oneOf(ZONES, random),
    },
  }),
  ({ within, random }) => ({
    orders: { within, days: { atLeast: whole(random, 1, 3) }, timeZone: oneOf(ZONES, random) },
  }),
  ({ within, random }) => ({
    orders: { within, distinctStores: { atLeast: 1, atMost: whole(random, 1, 4) } },
  }),
  ({ stores, random }) => {
    const { short, long } = twoWindows(random);
    return { orders: { stores, first: random() < 0.5 ? { within: long } : { before: short, within: long } } };
  },
  ({ random }) => {
    const { short, long } = twoWindows(random);
    return { orders: { discounted: random() < 0.5, last: { before: short, within: long } } };
  },
  ({ within, random }) => {
    const from = whole(random, 0, 24);
    const hours = { from, to: 1 + ((from + whole(random, 1, 10)) % 24) };
    return { orders: { within, hours, timeZone: oneOf(ZONES, random), discounted: random() < 0.5 } };
  },
  ({ within, random }) => ({
    orders: { within, status: 'refunded', count: { atLeast: whole(random, 1, 2) } },
  }),
  ({ within, random }) => ({
    orders: {
      within,
      status: random() < 0.5 ? ['completed', 'refunded'] : ['cancelled', 'refunded'],
      sum: { atLeast: whole(random, 10, 60), currency: 'EUR' },
      minimumTotal: { amount: 12.5, currency: 'EUR' },
    },
  }),
  ({ within, stores }) => ({
    not: { orders: { within, stores, status: ['completed', 'cancelled'], currency: 'USD' } },
  }),
];

/** Bounds that the population sets; few populations, since each is ranked at every full pass. */
export const RANKED_RULES: readonly MakeRule[] = [
  ({ random }) => ({
    orders: {
      within: oneOf(RANKED_WINDOWS, random),
      ...(random() < 0.5 ? { stores: { city: 'BCN' } } : {}),
      sum: { topPercent: oneOf([5, 10, 50], random), currency: 'EUR' },
    },
  }),
  ({ random }) => ({
    any: [
      { orders: { last: { quintile: { atLeast: whole(random, 3, 3) } } } },
      { not: { orders: { within: oneOf(RANKED_WINDOWS, random), count: { quintile: { atMost: 3 } } } } },
    ],
  }),
  ({ random }) => ({
    score: {
      model: oneOf(MODELS, random),
      ...(random() < 0.5 ? { topPercent: 20 } : { quintile: whole(random, 1, 5) }),
      whenMissing: random() < 0.5,
    },
  }),
];

export const OTHER_RULES: readonly MakeRule[] = [
  ({ within, random }) => ({
    event: {
      name: oneOf(EVENT_NAMES, random),
      within,
      count: { atLeast: whole(random, 1, 2) },
      where: { total: { atLeast: whole(random, 5, 15) } },
    },
  }),
  ({ within, random }) => ({
    event: {
      name: oneOf(EVENT_NAMES, random),
      within,
      days: { atLeast: 1, atMost: whole(random, 1, 3) },
      where: { device: { in: ['ios', 'web'] }, total: random() < 0.5 ? { exists: true } : 5 },
    },
  }),
  ({ random }) => {
    const { short, long } = twoWindows(random);
    const age = random() < 0.5 ? { first: { before: short } } : { last: { before: short, within: long } };
    return { event: { name: oneOf(EVENT_NAMES, random), ...age } };
  },
  ({ within, random }) => ({
    not: { event: { name: oneOf(EVENT_NAMES, random), within, where: { coupon: { exists: true } } } },
  }),
  ({ random }) => ({
    trait: {
      name: 'plus_until',
      ...oneOf([{ within: '1d' }, { before: '3h', within: '2d' }, { ahead: '1d' }], random),
    },
  }),
  ({ random }) => ({
    any: [
      { trait: { name: 'points', atLeast: 5, atMost: whole(random, 5, 90) } },
      {
        all: [
          { trait: { name: 'tier', equals: oneOf(TIERS, random) } },
          { trait: { name: 'points', exists: false } },
        ],
      },
    ],
  }),
  ({ random }) => ({ score: { model: oneOf(MODELS, random), atLeast: whole(random, 1, 9) / 10 } }),
  ({ random }) => ({
    score: { model: oneOf(MODELS, random), atMost: whole(random, 1, 9) / 10, whenMissing: true },
  }),
  ({ random, stores }) => ({
    all: [
      { score: { model: oneOf(MODELS, random), exists: random() < 0.5 } },
      { not: { orders: { stores } } },
    ],
  }),
  ({ random }) => {
    const [list, other] = [oneOf(LISTS, random), oneOf(LISTS, random)];
    return {
      all: [
        { listed: { list } },
        { any: [{ not: { listed: { list: other } } }, { trait: { name: 'tier', exists: true } }] },
      ],
    };
  },
  ({ random }) => ({
    sequence: {
      first: { event: { name: 'basket_filled', ...(random() < 0.5 ? { where: { device: 'ios' } } : {}) } },
      without: { orders: random() < 0.5 ? {} : { discounted: false } },
      within: WINDOWS[whole(random, 0, 3)]!,
      lookback: WINDOWS[whole(random, 4, 4)]!,
    },
  }),
  ({ random, stores }) => ({
    sequence: {
      first: { event: { name: 'basket_filled' } },
      then: { orders: random() < 0.5 ? {} : { stores, status: ['completed', 'refunded'] } },
      within: WINDOWS[whole(random, 0, SHORT_WINDOWS)]!,
      ...(random() < 0.5 ? { lookback: oneOf(WINDOWS, random) } : {}),
    },
  }),
  ({ random }) => ({
    sequence: {
      first: { orders: { minimumTotal: { amount: whole(random, 0, 30), currency: 'EUR' } } },
      then:
        random() < 0.5
          ? { orders: { hours: { from: 18, to: 2 }, timeZone: oneOf(ZONES, random) } }
          : { event: { name: 'complaint' } },
      within: WINDOWS[whole(random, 1, SHORT_WINDOWS)]!,
      lookback: oneOf(WINDOWS, random),
    },
  }),
  ({ random }) => ({
    sequence: {
      first: { event: { name: oneOf(EVENT_NAMES, random) } },
      without: { event: { name: oneOf(EVENT_NAMES, random), where: { total: { atLeast: 5 } } } },
      within: WINDOWS[whole(random, 0, SHORT_WINDOWS)]!,
    },
  }),
  // More conditions than six: no truth table.
  ({ random, stores }) => ({
    any: WINDOWS.filter((_, i) => i % 2 === 0).map((within, i) => ({
      all: [
        { orders: { stores, within, count: { atLeast: 1 + i } } },
        { not: { event: { name: oneOf(EVENT_NAMES, random), within } } },
        {
          any: [
            { score: { model: oneOf(MODELS, random), atLeast: 0.5 } },
            { listed: { list: oneOf(LISTS, random) } },
          ],
        },
      ],
    })),
  }),
  ({ random, within }) => ({
    all: [{ segment: pillarKey(whole(random, 0, PILLARS)) }, { orders: { within } }],
  }),
  ({ random }) => ({
    any: [
      { not: { segment: pillarKey(whole(random, 0, PILLARS)) } },
      {
        all: [
          { segment: pillarKey(whole(random, 0, PILLARS)) },
          { trait: { name: 'plan', in: ['plus', 'family'] } },
        ],
      },
    ],
  }),
];
