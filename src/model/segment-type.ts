/**
 * Segment types: named templates, parameters in, rule out. A set of types is a value that is passed
 * around, not a global, so that a plug-in adds its own beside the built-in ones.
 */
import { type TSchema, Type } from 'typebox';
import { CoterieError } from './error.ts';
import type { InstalledSource } from './plugin-source.ts';
import { RFM_PARAMS, type RfmParams, rfmRule } from './rfm.ts';
import { referTo } from './rule-schema/schema-part.ts';
import type { WrittenStores } from './rule-schema/stores-schema.ts';
import { OrderCountSchema } from './rule-schema/test-schema.ts';
import { WindowSchema } from './rule-schema/window-schema.ts';
import { RULE_WORDS, type WrittenRule } from './rule-schema.ts';

/** A template. `Params` is what its schema describes. */
export interface SegmentType<Params = never> {
  /** Lower-case words joined by "-". */
  readonly name: string;
  /** One sentence for people: who is in it. */
  readonly description: string;
  /**
   * JSON Schema of `params`, with title, description and examples on every field; build it with TypeBox
   * and the parts in `rule-schema/`. Ids of those parts may be referred to.
   */
  readonly params: TSchema;
  /** Whether `params` may be left out: `{}` stands for it. */
  readonly paramsOptional?: boolean;
  /**
   * Field of the rule → parameter that it comes from, where the names differ: problems with a field are
   * told at the parameter.
   */
  readonly parameterOf?: Readonly<Record<string, string>>;
  /** The rule that the parameters stand for, in the written form. Pure; called with valid parameters only. */
  rule(params: Params): WrittenRule;
}

/** Types by name, with the sources of plug-ins that rules may have conditions on. */
export interface SegmentTypes extends ReadonlyMap<string, SegmentType> {
  /** By name. */
  readonly sources: ReadonlyMap<string, InstalledSource>;
}

const closed = { additionalProperties: false } as const;

interface StoresParams {
  readonly stores?: WrittenStores;
}

const NEW: SegmentType<StoresParams> = {
  name: 'new',
  description: 'Customers who never ordered in the stores; a first-time visitor is in it.',
  params: Type.Object(
    { stores: Type.Optional(referTo<WrittenStores>('Stores')) },
    {
      ...closed,
      title: 'Parameters of new',
      description: 'The stores; all of them when left out.',
      examples: [{ stores: { brand: 'burger-house' } }, { stores: ['s-104'] }],
    },
  ),
  paramsOptional: true,
  rule: (params) => ({ not: { orders: { ...params } } }),
};

const RECURRENT: SegmentType<StoresParams & { readonly atLeast: number; readonly within?: string }> = {
  name: 'recurrent',
  description: 'Customers with at least so many orders in the stores within the window.',
  params: Type.Object(
    {
      stores: Type.Optional(referTo<WrittenStores>('Stores')),
      atLeast: OrderCountSchema,
      within: Type.Optional(WindowSchema),
    },
    {
      ...closed,
      title: 'Parameters of recurrent',
      description:
        'How many orders, in which stores (all when left out), within which window (ever when left out).',
      examples: [{ stores: { brand: 'burger-house', city: 'BCN' }, atLeast: 3, within: '30d' }],
    },
  ),
  rule: ({ atLeast, ...orders }) => ({ orders: { ...orders, count: { atLeast } } }),
};

const INACTIVE: SegmentType<StoresParams & { readonly within: string }> = {
  name: 'inactive',
  description: 'Customers who ordered in the stores before, but not within the window.',
  params: Type.Object(
    { stores: Type.Optional(referTo<WrittenStores>('Stores')), within: WindowSchema },
    {
      ...closed,
      title: 'Parameters of inactive',
      description: 'The stores (all when left out) and the window without orders.',
      examples: [{ stores: { brand: 'burger-house' }, within: '30d' }],
    },
  ),
  rule: ({ within, ...stores }) => ({
    all: [{ orders: { ...stores } }, { not: { orders: { ...stores, within } } }],
  }),
};

const RFM: SegmentType<RfmParams> = {
  name: 'rfm',
  description: 'Customers by recency, frequency and monetary value, in fifths of those who ordered.',
  params: RFM_PARAMS,
  parameterOf: { last: 'recency', count: 'frequency', sum: 'monetary' },
  rule: rfmRule,
};

const RULE: SegmentType<WrittenRule> = {
  name: 'rule',
  description: 'Customers for whom any rule holds that you write.',
  // By `$id`, because rules hold rules.
  params: Type.Ref('Rule', {
    title: 'Rule',
    description: RULE_WORDS,
    examples: [{ not: { orders: { within: '30d' } } }],
  }),
  rule: (params) => params,
};

/**
 * A set of segment types.
 *
 * @param sources - Of plug-ins, with distinct names.
 * @throws {CoterieError} `CONFIG_INVALID` if two have the same name or a name is not lower-case words.
 */
export function segmentTypes(
  types: readonly SegmentType[],
  sources: readonly InstalledSource[] = [],
): SegmentTypes {
  const byName = new Map<string, SegmentType>();
  for (const type of types) {
    if (!/^[a-z][a-z0-9-]{0,59}$/.test(type.name)) {
      throw new CoterieError(
        'CONFIG_INVALID',
        `"${type.name}" cannot name a segment type: expected lower-case letters, digits and "-"`,
        { found: type.name },
      );
    }
    if (byName.has(type.name)) {
      throw new CoterieError('CONFIG_INVALID', `There are two segment types named "${type.name}"`, {
        found: type.name,
      });
    }
    byName.set(type.name, type);
  }
  return Object.assign(byName, { sources: new Map(sources.map((source) => [source.name, source])) });
}

/** `new`, `recurrent`, `inactive`, `rfm` and `rule`. */
export const BUILT_IN_SEGMENT_TYPES: readonly SegmentType[] = [
  NEW,
  RECURRENT,
  INACTIVE,
  RFM,
  RULE,
] as SegmentType[];

/** The set of the built-in types. */
export const SEGMENT_TYPES: SegmentTypes = segmentTypes(BUILT_IN_SEGMENT_TYPES);
