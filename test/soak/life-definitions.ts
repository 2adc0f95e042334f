/**
 * Definitions of a simulated life: as they are at the start, and what is changed, paused, archived, taken
 * up again and added from hour to hour. Each is the same for the same seed, place and hour.
 */
import { randomFrom } from '../../bench/benchmark-segments.ts';
import { RFM_GROUPS } from '../../src/model/rfm.ts';
import type { Definition, FamilyDimension } from '../../src/model/segment.ts';
import {
  type Drawn,
  type MakeRule,
  ORDER_RULES,
  OTHER_RULES,
  PILLARS,
  pillarKey,
  RANKED_RULES,
  RANKED_WINDOWS,
  WINDOWS,
} from './life-conditions.ts';
import { type LifeDraw, many, oneOf, type Random } from './life-draw.ts';

/** So many segments are changed, paused, archived and taken up again more often than others. */
const RESTLESS_SEGMENTS = 30;
const DIMENSIONS: readonly FamilyDimension[] = ['store', 'brand', 'city', 'category'];
const RFM_GROUP_NAMES = Object.keys(RFM_GROUPS);
const STATUSES = ['active', 'active', 'active', 'paused', 'archived'] as const;

type Kind = (drawn: Drawn) => Pick<Definition, 'type' | 'params'>;

const kindsOf = (rules: readonly MakeRule[]): readonly Kind[] =>
  rules.map((makeRule) => (drawn) => ({ type: 'rule', params: makeRule(drawn) }));

/** A place has the kind of its turn, until a change draws another. */
const ORDER_KINDS: readonly Kind[] = [
  ({ stores }) => ({ type: 'new', params: { stores } }),
  ({ stores, within, random }) => ({
    type: 'recurrent',
    params: { stores, atLeast: 2 + Math.floor(random() * 3), within },
  }),
  ({ stores, within }) => ({ type: 'inactive', params: { stores, within } }),
  ...kindsOf(ORDER_RULES),
];

const EVERY_KIND: readonly Kind[] = [
  ...ORDER_KINDS,
  ({ random }) => ({
    type: 'rfm',
    params: { group: oneOf(RFM_GROUP_NAMES, random), within: oneOf(RANKED_WINDOWS, random), currency: 'EUR' },
  }),
  ...kindsOf([...OTHER_RULES, ...RANKED_RULES]),
];

/** What a family may be; each stands for its instance somewhere. */
const ORDER_FAMILIES: readonly Kind[] = [
  () => ({ type: 'new', params: { stores: { each: true } } }),
  ({ within }) => ({ type: 'inactive', params: { stores: { each: true }, within } }),
];

const EVERY_FAMILY: readonly Kind[] = [
  ...ORDER_FAMILIES,
  ({ within }) => ({
    type: 'rule',
    params: {
      all: [
        { orders: { stores: { each: true }, status: ['completed', 'refunded'], within } },
        { not: { score: { model: 'churn', atLeast: 0.8 } } },
      ],
    },
  }),
  ({ within }) => ({
    type: 'rule',
    params: {
      sequence: {
        first: { orders: { stores: { each: true } } },
        without: { event: { name: 'store_viewed' } },
        within,
      },
    },
  }),
];

export class LifeDefinitions {
  readonly #draw: LifeDraw;
  readonly #kinds: readonly Kind[];
  readonly #families: readonly Kind[];
  readonly #pillarRules: readonly MakeRule[];

  constructor(draw: LifeDraw) {
    this.#draw = draw;
    const isEvery = draw.options.everyKind > 0;
    this.#kinds = isEvery ? EVERY_KIND : ORDER_KINDS;
    this.#families = isEvery ? EVERY_FAMILY : ORDER_FAMILIES;
    this.#pillarRules = isEvery ? OTHER_RULES.slice(0, -2) : ORDER_RULES;
  }

  /** At the start: one of each kind in turn, a family over each dimension, and those that others refer to. */
  first(): Definition[] {
    return [
      ...many(PILLARS, (index) => this.#pillar(index, 0)),
      ...DIMENSIONS.map((dimension) => this.#family(dimension, 0)),
      ...many(this.#draw.options.segments, (index) => this.#single(index, 0)),
    ];
  }

  /**
   * Changes in an hour, none in most: any of them, some that come and go again and again, and new ones.
   */
  changed(hour: number): Definition[] {
    const random = this.#draw.random(hour, 'definitions');
    if (random() > 0.4) return [];
    const { segments } = this.#draw.options;
    return many(1 + Math.floor(random() * 3), (i): Definition => {
      const kind = random();
      const status = oneOf(STATUSES, random);
      if (kind < 0.08) return { ...this.#family(oneOf(DIMENSIONS, random), hour), status };
      // A segment that others refer to cannot be archived.
      if (kind < 0.16) {
        const pillar = this.#pillar(Math.floor(random() * PILLARS), hour);
        return { ...pillar, status: status === 'archived' ? 'paused' : status };
      }
      const place =
        kind < 0.45
          ? Math.floor(random() * segments)
          : kind < 0.8
            ? Math.floor(random() * Math.min(RESTLESS_SEGMENTS, segments))
            : segments + 3 * hour + i;
      return { ...this.#single(place, hour), status };
    }).filter(({ key }, i, all) => all.findIndex((other) => other.key === key) === i);
  }

  /** After its first form a place has the same kind with other parameters, mostly. */
  #single(index: number, hour: number): Definition {
    const random = randomFrom(this.#draw.options.seed * 31 + index * 7_919 + hour);
    const kind =
      hour > 0 && random() < 0.3 ? oneOf(this.#kinds, random) : this.#kinds[index % this.#kinds.length]!;
    return { key: `life-${index}`, ...kind(this.#drawn(random)) };
  }

  #family(dimension: FamilyDimension, hour: number): Definition {
    const random = randomFrom(this.#draw.options.seed * 37 + DIMENSIONS.indexOf(dimension) * 7_907 + hour);
    return {
      key: `each-${dimension}`,
      forEach: dimension,
      ...oneOf(this.#families, random)(this.#drawn(random)),
    };
  }

  /** One of every third kind that refers to nothing. */
  #pillar(index: number, hour: number): Definition {
    const random = randomFrom(this.#draw.options.seed * 41 + index * 7_901 + hour);
    return { key: pillarKey(index), type: 'rule', params: this.#pillarRule(index, random) };
  }

  #pillarRule(index: number, random: Random) {
    const drawn = this.#drawn(random);
    // The first pillars stand on nothing; the last one on the first.
    if (index === PILLARS - 1) return { any: [{ segment: pillarKey(0) }, ORDER_RULES[1]!(drawn)] };
    const rules = index % 2 === 0 ? ORDER_RULES : this.#pillarRules;
    return oneOf(rules, random)(drawn);
  }

  #drawn(random: Random): Drawn {
    return {
      random,
      within: oneOf(WINDOWS, random),
      stores: many(1 + Math.floor(random() ** 3 * 60), () => this.#draw.store(random)),
    };
  }
}
