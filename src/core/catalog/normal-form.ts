/**
 * Reads the written form of a rule into the normal form (`model/rule.ts`): windows in seconds, amounts in
 * ten-thousandths, templates expanded. It reports what a schema cannot say: bounds that cross, currencies
 * that disagree, a window of more than a century. References to segments stay; see `resolve-segments.ts`.
 */
import { AMOUNT_MAX_E4, parseAmountE4 } from '../../model/amount.ts';
import { CoterieError } from '../../model/error.ts';
import type { OrderMeasure, OrdersCondition, Rule, StoreAttributes, StoreSet } from '../../model/rule.ts';
import type {
  WrittenOrders,
  WrittenRule,
  WrittenStoreFilter,
  WrittenStores,
  WrittenTrait,
} from '../../model/rule-schema.ts';
import type { Definition, FamilyDimension } from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import { parseDuration } from '../../model/time.ts';
import type { Path, Problem } from './problem.ts';

/**
 * Stands, in a family's rule, for the store set of an instance; compared by identity. It matches no
 * store, so that a rule in which it was left by mistake holds for nobody.
 */
const EACH: StoreSet = { kind: 'ids', ids: [] };
const ALL_STORES: StoreSet = { kind: 'all' };

/** Called for each problem found; the path is that of the field in the rule, such as `['orders', 'within']`. */
type Report = (path: Path, problem: Pick<Problem, 'expected' | 'found'>) => void;

/**
 * Reads the rule of a definition that was checked before. A family's rule is a template for
 * {@link ruleOfInstance}.
 *
 * @param report - Called for each problem; without it there must be none.
 */
export function readCheckedRule(
  definition: Definition,
  types: SegmentTypes,
  report: Report = unexpected,
): Rule {
  const type = types.get(definition.type);
  if (type === undefined) {
    throw new CoterieError(
      'SEGMENT_TYPE_UNKNOWN',
      `"${definition.key}" has the type "${definition.type}", which is not installed: known are ${[...types.keys()].join(', ')}`,
      { key: definition.key, type: definition.type, known: [...types.keys()] },
    );
  }
  const written = type.rule((definition.params ?? {}) as never);
  return readNode(written, [], report);
}

/** Whether a family's rule looks at the instance anywhere. */
export function mentionsInstance(rule: Rule): boolean {
  switch (rule.kind) {
    case 'all':
    case 'any':
      return rule.rules.some(mentionsInstance);
    case 'not':
      return mentionsInstance(rule.rule);
    case 'orders':
      return rule.stores === EACH;
    default:
      return false;
  }
}

/** The rule of one instance; what does not look at the instance is shared with the family's rule. */
export function ruleOfInstance(rule: Rule, dimension: FamilyDimension, instance: string): Rule {
  const stores: StoreSet =
    dimension === 'store'
      ? { kind: 'ids', ids: [instance] }
      : { kind: 'attributes', attributes: { [dimension]: [instance] } };
  return replaceEach(rule, stores);
}

function replaceEach(rule: Rule, stores: StoreSet): Rule {
  switch (rule.kind) {
    case 'all':
    case 'any': {
      const rules = rule.rules.map((part) => replaceEach(part, stores));
      return rules.every((part, i) => part === rule.rules[i]) ? rule : { kind: rule.kind, rules };
    }
    case 'not': {
      const part = replaceEach(rule.rule, stores);
      return part === rule.rule ? rule : { kind: 'not', rule: part };
    }
    case 'orders':
      return rule.stores === EACH ? { ...rule, stores } : rule;
    default:
      return rule;
  }
}

function readNode(written: WrittenRule, path: Path, report: Report): Rule {
  if (written.all !== undefined) return readList('all', written.all, path, report);
  if (written.any !== undefined) return readList('any', written.any, path, report);
  if (written.not !== undefined)
    return { kind: 'not', rule: readNode(written.not, [...path, 'not'], report) };
  if (written.orders !== undefined) return readOrders(written.orders, [...path, 'orders'], report);
  if (written.trait !== undefined) return readTrait(written.trait, [...path, 'trait'], report);
  return { kind: 'segment', key: written.segment! };
}

function readList(kind: 'all' | 'any', written: readonly WrittenRule[], path: Path, report: Report): Rule {
  return { kind, rules: written.map((part, i) => readNode(part, [...path, kind, i], report)) };
}

const AMOUNT_MEASURES = ['sum', 'average', 'minimum', 'maximum'] as const;

function readOrders(written: WrittenOrders, path: Path, report: Report): OrdersCondition {
  const measure: OrderMeasure = AMOUNT_MEASURES.find((name) => written[name] !== undefined) ?? 'count';
  const bounds = readBounds(written, measure, path, report);
  const amountTest = measure === 'count' ? undefined : written[measure];
  const minimumTotal = written.minimumTotal;
  const currency = amountTest?.currency ?? minimumTotal?.currency;
  if (minimumTotal !== undefined && minimumTotal.currency !== currency) {
    report([...path, 'minimumTotal', 'currency'], {
      expected: `the currency of ${measure}, ${JSON.stringify(currency)}`,
      found: JSON.stringify(minimumTotal.currency),
    });
  }
  return {
    kind: 'orders',
    stores: readStores(written.stores),
    ...(written.within === undefined
      ? {}
      : { withinS: readWindow(written.within, [...path, 'within'], report) }),
    measure,
    ...bounds,
    ...(currency === undefined ? {} : { currency }),
    ...(minimumTotal === undefined
      ? {}
      : { minimumTotalE4: readAmount(minimumTotal.amount, [...path, 'minimumTotal', 'amount'], report) }),
    ...(written.discounted === undefined ? {} : { discounted: written.discounted }),
  };
}

interface Bounds {
  readonly atLeast?: number;
  readonly atMost?: number;
}

function readBounds(written: WrittenOrders, measure: OrderMeasure, path: Path, report: Report): Bounds {
  const at = [...path, measure];
  if (measure !== 'count') {
    const test = written[measure]!;
    const read = (name: 'atLeast' | 'atMost') =>
      test[name] === undefined ? {} : { [name]: readAmount(test[name], [...at, name], report) };
    return checkBounds({ ...read('atLeast'), ...read('atMost') }, test, at, report);
  }
  const test = written.count ?? { atLeast: 1 };
  if (test.equals !== undefined) return { atLeast: test.equals, atMost: test.equals };
  const bounds = {
    ...(test.atLeast === undefined ? {} : { atLeast: test.atLeast }),
    ...(test.atMost === undefined ? {} : { atMost: test.atMost }),
  };
  return checkBounds(bounds, test, at, report);
}

function checkBounds(
  bounds: Bounds,
  written: { readonly atLeast?: number | string; readonly atMost?: number | string },
  path: Path,
  report: Report,
): Bounds {
  const { atLeast, atMost } = bounds;
  if (atLeast !== undefined && atMost !== undefined && atLeast > atMost) {
    report([...path, 'atMost'], {
      expected: `a number that is not below atLeast, ${written.atLeast}`,
      found: String(written.atMost),
    });
  }
  return bounds;
}

function readTrait(written: WrittenTrait, path: Path, report: Report): Rule {
  const { name } = written;
  if (written.exists !== undefined) {
    const exists: Rule = { kind: 'trait', name, test: { kind: 'exists' } };
    return written.exists ? exists : { kind: 'not', rule: exists };
  }
  const values = written.in ?? (written.equals === undefined ? undefined : [written.equals]);
  if (values !== undefined) {
    return { kind: 'trait', name, test: { kind: 'in', values: distinct(values.map(String)) } };
  }
  const range = {
    ...(written.atLeast === undefined ? {} : { atLeast: written.atLeast }),
    ...(written.atMost === undefined ? {} : { atMost: written.atMost }),
  };
  checkBounds(range, written, path, report);
  return { kind: 'trait', name, test: { kind: 'range', ...range } };
}

function isIdList(written: readonly string[] | WrittenStoreFilter): written is readonly string[] {
  return Array.isArray(written);
}

function readStores(written: WrittenStores | undefined): StoreSet {
  if (written === undefined || written === 'all') return ALL_STORES;
  if (isIdList(written)) return { kind: 'ids', ids: distinct(written) };
  if (written.ids !== undefined) return { kind: 'ids', ids: distinct(written.ids) };
  if (written.each !== undefined) return EACH;
  const attributes: { -readonly [Name in keyof StoreAttributes]: readonly string[] } = {};
  for (const name of ['brand', 'city', 'category', 'tag'] as const) {
    const value = written[name];
    if (value !== undefined) attributes[name] = typeof value === 'string' ? [value] : distinct(value);
  }
  return { kind: 'attributes', attributes };
}

/** The same list if nothing is in it twice, so that a definition's list is shared rather than copied. */
function distinct(values: readonly string[]): readonly string[] {
  if (values.length < 2) return values;
  const seen = new Set(values);
  return seen.size === values.length ? values : [...seen];
}

function readWindow(text: string, path: Path, report: Report): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof CoterieError)) throw error;
    report(path, { expected: 'a window of at most 36525d', found: JSON.stringify(text) });
    return 1;
  }
}

function readAmount(value: number | string, path: Path, report: Report): number {
  try {
    return parseAmountE4(value);
  } catch (error) {
    if (!(error instanceof CoterieError)) throw error;
    report(path, {
      expected: `a decimal with at most 4 places, up to ${AMOUNT_MAX_E4 / 10_000}`,
      found: String(value),
    });
    return 0;
  }
}

function unexpected(path: Path, problem: Pick<Problem, 'expected' | 'found'>): never {
  throw new CoterieError(
    'DEFINITION_INVALID',
    `${path.join('.')}: expected ${problem.expected}, found ${problem.found}`,
    { path: path.join('.'), ...problem },
  );
}
