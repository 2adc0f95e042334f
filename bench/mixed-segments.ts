/**
 * Segments of every kind for the benchmarks: two thirds instances of families over stores and brands, a
 * third single definitions whose conditions look at orders in full, events, traits, scores, lists,
 * sequences and other segments. The same for the same arguments.
 */
import type { StoreTable } from '../src/core/engine/engine.ts';
import type { WrittenRule } from '../src/model/rule-schema.ts';
import type { Definition } from '../src/model/segment.ts';
import { randomFrom } from './benchmark-segments.ts';

const WINDOWS = ['3d', '7d', '14d', '30d', '60d', '90d', '180d', '365d'] as const;
const EVENTS = ['store_viewed', 'push_opened', 'basket_filled', 'search_made', 'checkout_started'] as const;
const ZONES = ['Europe/Madrid', 'Europe/Bucharest', 'Africa/Lagos'] as const;
const STORES_MAX = 60;

type Draw = <T>(of: readonly T[]) => T;

/**
 * @returns Definitions that stand for about `segments` segments: families first, which are a little more
 *   or less than two thirds since the market has the stores and brands that it has, then single ones.
 */
export function mixedDefinitions(request: {
  readonly segments: number;
  readonly stores: StoreTable;
  readonly seed: number;
}): Definition[] {
  const random = randomFrom(request.seed);
  const draw: Draw = (of) => of[Math.floor(random() * of.length)]!;
  const families: Definition[] = [];
  const brands = new Set(request.stores.brand.filter((brand) => brand !== undefined)).size;
  let instances = 0;
  for (let i = 0; instances < (request.segments * 2) / 3 - brands / 2; i++) {
    const dimension = instances + request.stores.ids.length <= (request.segments * 2) / 3 ? 'store' : 'brand';
    families.push(family(i, dimension, draw));
    instances += dimension === 'store' ? request.stores.ids.length : brands;
  }
  const single = Array.from({ length: Math.max(0, request.segments - instances) }, (_, index) => {
    const params = RULES[index % RULES.length]!(somewhere(request.stores, random, draw), draw, random);
    return {
      key: `mixed-${index}`,
      type: 'rule',
      owner: `partner-${index % 997}`,
      tags: ['benchmark'],
      params,
    } satisfies Definition;
  });
  return [...families, ...single];
}

function family(index: number, forEach: 'store' | 'brand', draw: Draw): Definition {
  const stores = { each: true };
  const within = WINDOWS[(index + 3) % WINDOWS.length]!;
  const common = { key: `family-${index}`, owner: 'marketing', tags: ['family'], forEach } as const;
  switch (index % 4) {
    case 0:
      return { ...common, type: 'new', params: { stores } };
    case 1:
      return { ...common, type: 'recurrent', params: { stores, atLeast: 2 + (index % 3), within } };
    case 2:
      return { ...common, type: 'inactive', params: { stores, within } };
    default:
      return {
        ...common,
        type: 'rule',
        params: { orders: { stores, within: draw(WINDOWS), sum: { atLeast: 60, currency: 'EUR' } } },
      };
  }
}

/** A set of stores as partners have them: mostly few by id, some by their attributes. */
function somewhere(stores: StoreTable, random: () => number, draw: Draw): readonly string[] {
  const wanted = 1 + Math.floor(random() ** 3 * STORES_MAX);
  return Array.from({ length: wanted }, () => draw(stores.ids));
}

type MakeRule = (stores: readonly string[], draw: Draw, random: () => number) => WrittenRule;

/** One for each kind of rule; a single definition takes the next one. */
const RULES: readonly MakeRule[] = [
  (stores, draw, random) => ({
    orders: {
      stores,
      within: draw(WINDOWS),
      sum: { atLeast: 5 + Math.floor(random() * 200), currency: 'EUR' },
    },
  }),
  (stores, draw) => ({
    all: [
      { orders: { stores, weekday: ['sat', 'sun'], timeZone: draw(ZONES), within: draw(WINDOWS) } },
      { not: { orders: { stores, within: '7d' } } },
    ],
  }),
  (stores, draw) => ({ orders: { stores, within: draw(WINDOWS), days: { atLeast: 2 } } }),
  (stores, draw) => ({ orders: { stores, first: { within: draw(WINDOWS) } } }),
  (stores, draw) => ({
    all: [
      { orders: { stores } },
      {
        event: {
          name: draw(EVENTS),
          where: { device: draw(['ios', 'android', 'web']) },
          within: draw(WINDOWS),
        },
      },
    ],
  }),
  (stores, _draw, random) => ({
    all: [
      { orders: { stores } },
      { score: { model: 'churn', atLeast: Math.floor(random() * 100) / 100 } },
      { not: { listed: { list: 'do-not-contact' } } },
    ],
  }),
  (stores, draw) => ({
    all: [
      { orders: { stores, within: draw(WINDOWS) } },
      { any: [{ trait: { name: 'plan', in: ['plus', 'family'] } }, { listed: { list: 'vip' } }] },
    ],
  }),
  (stores, draw) => ({
    sequence: {
      first: { orders: { stores } },
      then: { event: { name: draw(EVENTS) } },
      within: '2d',
      lookback: draw(WINDOWS),
    },
  }),
  (stores, draw) => ({
    any: WINDOWS.map((within, i) => ({
      all: [
        { orders: { stores, within, count: { atLeast: WINDOWS.length - i } } },
        { orders: { stores: [draw(stores)] } },
      ],
    })),
  }),
  (stores, draw) => ({
    orders: { stores, within: draw(WINDOWS), average: { atLeast: 15, currency: 'EUR' }, discounted: true },
  }),
];
