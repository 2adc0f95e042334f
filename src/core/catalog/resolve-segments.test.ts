import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoterieError } from '../../model/error.ts';
import type { Definition, DefinitionVersion } from '../../model/segment.ts';
import { SEGMENT_TYPES } from '../../model/segment-type.ts';
import type { StoreTable } from '../engine/engine.ts';
import { MemoryCatalog } from './memory/memory-catalog.ts';
import { loadSegments, resolveSegments, segmentKeys } from './resolve-segments.ts';
import { validateCatalog } from './validate-catalog.ts';

const STORES: StoreTable = {
  ids: ['s1', 's@2', 's3'],
  brand: ['x', 'y', 'x'],
  city: ['BCN', undefined, 'BCN'],
  category: [undefined, undefined, undefined],
  tags: [undefined, undefined, undefined],
};

function versionsOf(definitions: readonly Definition[]): DefinitionVersion[] {
  return definitions.map((definition, i) => ({
    definition,
    version: 1,
    catalogNo: i + 1,
    author: 'a',
    at: 0,
  }));
}

function resolve(...definitions: Definition[]) {
  return resolveSegments({ versions: versionsOf(definitions), stores: STORES, types: SEGMENT_TYPES });
}

function codeOf(action: () => unknown): { code: string; message: string; details: Record<string, unknown> } {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof CoterieError, String(error));
    return { code: error.code, message: error.message, details: error.details };
  }
  return assert.fail('nothing was thrown');
}

const refer = (key: string, ...to: string[]): Definition => ({
  key,
  type: 'rule',
  params: { any: to.map((segment) => ({ segment })) },
});
const ordersIn = (stores: unknown) => ({ kind: 'orders', stores, measure: 'count', atLeast: 1 });
const EACH = { stores: { each: true } };

describe('resolving segments', () => {
  it('a family has a segment for every store, brand, city or category known', () => {
    const keys = (forEach: 'store' | 'brand' | 'city' | 'category') =>
      resolve({ key: 'f', type: 'new', forEach, params: EACH }).map((segment) => segment.key);
    assert.deepEqual(keys('store'), ['f@s1', 'f@s@2', 'f@s3']);
    assert.deepEqual(keys('brand'), ['f@x', 'f@y']);
    assert.deepEqual(keys('city'), ['f@BCN']);
    assert.deepEqual(keys('category'), []);
  });

  it('an instance looks at its own, shares the definition, and says what it stands for', () => {
    const family: Definition = { key: 'f', type: 'new', forEach: 'brand', params: EACH };
    const [x, y] = resolve(family);
    assert.deepEqual(x!.rule, {
      kind: 'not',
      rule: ordersIn({ kind: 'attributes', attributes: { brand: ['x'] } }),
    });
    assert.equal(y!.instance, 'y');
    assert.equal(x!.definition, family);
    assert.equal(y!.definition, family);
  });

  it('what does not look at the instance is held once for a family', () => {
    const params = { all: [{ orders: EACH }, { orders: { within: '30d' } }] };
    const [one, two] = resolve({ key: 'f', type: 'rule', forEach: 'store', params });
    assert.ok(one!.rule.kind === 'all' && two!.rule.kind === 'all');
    assert.notEqual(one!.rule.rules[0], two!.rule.rules[0]);
    assert.equal(one!.rule.rules[1], two!.rule.rules[1]);
  });

  it('archived definitions are left out, paused ones are in', () => {
    const segments = resolve(
      { key: 'a', type: 'new', status: 'archived' },
      { key: 'b', type: 'new', status: 'paused' },
      { key: 'c', type: 'new' },
    );
    assert.deepEqual(
      segments.map((segment) => [segment.key, segment.definition.status]),
      [
        ['b', 'paused'],
        ['c', undefined],
      ],
    );
  });

  it('numbers come in the order of the keys', async () => {
    const catalog = new MemoryCatalog();
    await catalog.segmentNos(['f@s3']);
    await catalog.apply([{ key: 'f', type: 'new', forEach: 'store', params: EACH }], { author: 'a', at: 0 });
    const segments = await loadSegments({ catalog, stores: STORES, types: SEGMENT_TYPES });
    assert.deepEqual(
      segments.map((segment) => [segment.key, segment.segmentNo]),
      [
        ['f@s1', 1],
        ['f@s@2', 2],
        ['f@s3', 0],
      ],
    );
    assert.deepEqual(
      segmentKeys({ versions: await catalog.definitions(), stores: STORES }),
      segments.map((segment) => segment.key),
    );
  });

  it('a load shares what did not change since the one before, and brings what did', async () => {
    const catalog = new MemoryCatalog();
    const note = { author: 'a', at: 0 };
    const load = (stores = STORES) => loadSegments({ catalog, stores, types: SEGMENT_TYPES });
    await catalog.apply(
      [{ key: 'f', type: 'new', forEach: 'store', params: EACH }, { key: 'a', type: 'new' }, refer('r', 'a')],
      note,
    );
    const before = await load();
    assert.equal((await load())[0], before[0]);
    await catalog.apply([{ key: 'a', type: 'inactive', params: { within: '7d' } }], note);
    const after = await load({ ...STORES });
    assert.deepEqual(
      after.map((segment, i) => segment === before[i]),
      [true, true, true, false, false],
    );
    assert.deepEqual(after[4]!.rule, { kind: 'any', rules: [after[3]!.rule] });
    const fewer = await load({ ids: ['s3'], brand: [], city: [], category: [], tags: [] });
    assert.deepEqual(
      fewer.map(({ key, segmentNo }) => [key, segmentNo]),
      [
        ['f@s3', 2],
        ['a', 3],
        ['r', 4],
      ],
    );
  });

  it('a reference is replaced by the rule of the segment, through other references and families', () => {
    const [top] = resolve(
      refer('top', 'middle', 'f@s@2'),
      { key: 'middle', type: 'rule', params: { not: { segment: 'f@s1' } } },
      { key: 'f', type: 'rule', forEach: 'store', params: { orders: EACH } },
    );
    assert.deepEqual(top!.rule, {
      kind: 'any',
      rules: [
        { kind: 'not', rule: ordersIn({ kind: 'ids', ids: ['s1'] }) },
        ordersIn({ kind: 'ids', ids: ['s@2'] }),
      ],
    });
  });

  it('a reference is replaced beside conditions of every kind', () => {
    const conditions = [
      { orders: { last: { quintile: 5 } } },
      { event: { name: 'e' } },
      { trait: { name: 't', within: '1d' } },
      { score: { model: 'm', atLeast: 1, whenMissing: true } },
      { listed: { list: 'l' } },
      { sequence: { first: { event: { name: 'e' } }, without: { orders: {} }, within: '1d' } },
    ];
    const [top] = resolve(
      { key: 'top', type: 'rule', params: { all: [...conditions, { segment: 'r' }] } },
      { key: 'r', type: 'rfm', params: { group: 'champions', currency: 'EUR' } },
    );
    assert.ok(top!.rule.kind === 'all');
    assert.deepEqual(
      top!.rule.rules.map((rule) => rule.kind),
      ['orders', 'event', 'trait', 'any', 'listed', 'sequence', 'all'],
    );
  });

  it('circles are refused with the path, however long', () => {
    const { code, message, details } = codeOf(() =>
      resolve(refer('start', 'a'), refer('a', 'b'), refer('b', 'c', 'a'), { key: 'c', type: 'new' }),
    );
    assert.equal(code, 'SEGMENT_CYCLE');
    assert.equal(message, 'Segments refer to each other in a circle: a → b → a');
    assert.deepEqual(details.path, ['a', 'b', 'a']);
    assert.equal(codeOf(() => resolve(refer('a', 'a'))).message.endsWith(': a → a'), true);
    const long = Array.from({ length: 50_000 }, (_, i) => refer(`k${i}`, `k${(i + 1) % 50_000}`));
    assert.equal(codeOf(() => resolve(...long)).code, 'SEGMENT_CYCLE');
  });

  it('references to nothing, to an archived segment or to a whole family are refused', () => {
    const unknown = codeOf(() => resolve(refer('a', 'b')));
    assert.equal(unknown.code, 'SEGMENT_REFERENCE_UNKNOWN');
    assert.match(unknown.message, /^"a" refers to the segment "b"/);
    const archived: Definition = { key: 'b', type: 'new', status: 'archived' };
    assert.equal(codeOf(() => resolve(refer('a', 'b'), archived)).code, 'SEGMENT_REFERENCE_UNKNOWN');
    const family: Definition = { key: 'b', type: 'new', forEach: 'store', params: EACH };
    assert.equal(codeOf(() => resolve(refer('a', 'b'), family)).code, 'SEGMENT_REFERENCE_UNKNOWN');
    assert.equal(codeOf(() => resolve(refer('a', 'b@s4'), family)).code, 'SEGMENT_REFERENCE_UNKNOWN');
  });

  it('rules that grow too large by their references are refused, however fast they grow', () => {
    const base: Definition = { key: 'k0', type: 'new' };
    const doubling = Array.from({ length: 60 }, (_, i) => refer(`k${i + 1}`, `k${i}`, `k${i}`));
    assert.equal(codeOf(() => resolve(base, ...doubling.slice(0, 12))).code, 'DEFINITION_TOO_LARGE');
    assert.equal(resolve(base, ...doubling.slice(0, 9)).length, 10);
    const chain = Array.from({ length: 50_000 }, (_, i) => refer(`k${i + 1}`, `k${i}`));
    assert.equal(codeOf(() => resolve(base, ...chain)).code, 'DEFINITION_TOO_LARGE');
  });
});

describe('validating a catalog', () => {
  const validate = (inForce: Definition[], applied: Definition[]) =>
    validateCatalog(inForce, applied, STORES, SEGMENT_TYPES);

  it('a segment may be defined after what refers to it', () => {
    validate([], [refer('a', 'b'), { key: 'b', type: 'new' }]);
    validate([{ key: 'b', type: 'new' }], [refer('a', 'b')]);
  });

  it('a segment that others refer to cannot be archived', () => {
    const archived: Definition = { key: 'b', type: 'new', status: 'archived' };
    const { code } = codeOf(() => validate([refer('a', 'b'), { key: 'b', type: 'new' }], [archived]));
    assert.equal(code, 'SEGMENT_IN_USE');
  });

  it('a change that closes a circle is refused', () => {
    const { code } = codeOf(() => validate([refer('a', 'b'), { key: 'b', type: 'new' }], [refer('b', 'a')]));
    assert.equal(code, 'SEGMENT_CYCLE');
  });

  it('what refers to a segment whose plug-in is gone keeps nothing else from being applied', () => {
    const gone: Definition = { key: 'gone', type: 'no-longer-installed' };
    const inForce = [gone, refer('a', 'gone'), refer('b', 'a'), { key: 'well', type: 'new' }];
    validate(inForce, [{ key: 'other', type: 'new' }, refer('more', 'well')]);
    validate(inForce, [refer('a', 'well')]);
    const family: Definition = { key: 'f', type: 'no-longer-installed', forEach: 'city' };
    validate([family, refer('a', 'f@BCN')], [{ key: 'other', type: 'new' }]);
  });

  it('what is applied refers to no segment whose plug-in is gone, and ends none that others refer to', () => {
    const gone: Definition = { key: 'gone', type: 'no-longer-installed' };
    const inForce = [gone, refer('a', 'gone')];
    for (const applied of [refer('new', 'gone'), refer('new', 'a')]) {
      assert.equal(codeOf(() => validate(inForce, [applied])).code, 'SEGMENT_REFERENCE_UNKNOWN');
    }
    const ended: Definition = { ...gone, status: 'archived' };
    assert.equal(codeOf(() => validate(inForce, [ended])).code, 'SEGMENT_IN_USE');
    validate(inForce, [ended, { ...refer('a', 'gone'), status: 'archived' }]);
  });

  it('a key that is applied twice is refused', () => {
    const { code, message } = codeOf(() =>
      validate(
        [],
        [
          { key: 'a', type: 'new' },
          { key: 'a', type: 'new' },
        ],
      ),
    );
    assert.equal(code, 'DEFINITION_INVALID');
    assert.match(message, /^a: key: expected a key that is defined once, found "a" again$/);
  });
});
