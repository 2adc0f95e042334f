/**
 * The contract of the catalog port: what every driver promises, tested against the real thing. A driver's
 * test file calls this with a way to open an empty catalog, and to open it again where it is durable.
 */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { ApplyNote, Catalog } from '../../src/core/catalog/catalog.ts';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import type { Definition } from '../../src/model/segment.ts';

export interface CatalogUnderTest {
  readonly catalog: Catalog;
  /** The same catalog after its process has gone; absent where nothing outlives it. */
  readonly reopen?: () => Promise<Catalog>;
  readonly close: () => Promise<void>;
}

const NOTE: ApplyNote = { author: 'ana', at: 1_700_000_000, reason: 'spring' };

function definition(key: string, owner = 'crm'): Definition {
  return { key, owner, type: 'new', params: { stores: ['s1', 's2'] } };
}

export function catalogContract(name: string, open: () => Promise<CatalogUnderTest>): void {
  describe(`the catalog in ${name}`, () => {
    const opened: CatalogUnderTest[] = [];
    const empty = async (): Promise<CatalogUnderTest> => {
      const one = await open();
      opened.push(one);
      return one;
    };
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    it('an empty catalog has position 0 and nothing in force', async () => {
      const { catalog } = await empty();
      assert.equal(await catalog.catalogNo(), 0);
      assert.deepEqual(await catalog.definitions(), []);
      assert.deepEqual(await catalog.versions('a'), []);
      assert.equal(await catalog.definition('a'), undefined);
    });

    it('what is applied is in force, with its author, time and reason', async () => {
      const { catalog } = await empty();
      const report = await catalog.apply([definition('b'), definition('a')], NOTE);
      assert.deepEqual(report, { catalogNo: 2, added: 2, changed: 0, unchanged: 0 });
      assert.deepEqual(await catalog.definitions(), [
        { definition: definition('b'), version: 1, catalogNo: 1, ...NOTE },
        { definition: definition('a'), version: 1, catalogNo: 2, ...NOTE },
      ]);
    });

    it('an equal definition appends nothing, whatever the order of its fields', async () => {
      const { catalog } = await empty();
      await catalog.apply([definition('a')], NOTE);
      const same = { params: { stores: ['s1', 's2'] }, type: 'new', owner: 'crm', key: 'a' };
      assert.deepEqual(await catalog.apply([same], { author: 'bob', at: 1_800_000_000 }), {
        catalogNo: 1,
        added: 0,
        changed: 0,
        unchanged: 1,
      });
      assert.equal((await catalog.versions('a')).length, 1);
    });

    it('the order of a list is part of a definition', async () => {
      const { catalog } = await empty();
      await catalog.apply([definition('a')], NOTE);
      const report = await catalog.apply([{ ...definition('a'), params: { stores: ['s2', 's1'] } }], NOTE);
      assert.equal(report.changed, 1);
    });

    it('a changed definition becomes a version of its own, and the old one stays', async () => {
      const { catalog } = await empty();
      await catalog.apply([definition('a'), definition('b')], NOTE);
      const changed = definition('a', 'growth');
      const later = { author: 'bob', at: 1_700_000_100 };
      assert.deepEqual(await catalog.apply([changed, definition('b'), definition('c')], later), {
        catalogNo: 4,
        added: 1,
        changed: 1,
        unchanged: 1,
      });
      const versions = await catalog.versions('a');
      assert.deepEqual(versions, [
        { definition: definition('a'), version: 1, catalogNo: 1, ...NOTE },
        { definition: changed, version: 2, catalogNo: 3, ...later },
      ]);
      assert.deepEqual(await catalog.definition('a'), versions[1]);
    });

    it('any earlier position can be read', async () => {
      const { catalog } = await empty();
      await catalog.apply([definition('a')], NOTE);
      await catalog.apply([definition('b'), { ...definition('a'), status: 'archived' }], NOTE);
      const at = async (position: number) =>
        (await catalog.definitions(position)).map((one) => [one.definition.key, one.version]);
      assert.deepEqual(await at(0), []);
      assert.deepEqual(await at(1), [['a', 1]]);
      assert.deepEqual(await at(2), [
        ['a', 1],
        ['b', 1],
      ]);
      assert.deepEqual(await at(3), [
        ['a', 2],
        ['b', 1],
      ]);
    });

    it('what was read once is followed by what came since, whatever position is asked for in between', async () => {
      const { catalog } = await empty();
      const at = async (position?: number) =>
        (await catalog.definitions(position)).map((one) => [one.definition.key, one.version]);
      await catalog.apply([definition('b'), definition('a')], NOTE);
      const before = await catalog.definitions(1_000);
      await catalog.apply([definition('c'), definition('b', 'growth')], NOTE);
      assert.deepEqual(await at(1), [['b', 1]]);
      const read = await Promise.all([at(), at(3), at(4), at(2)]);
      const all = [
        ['b', 2],
        ['a', 1],
        ['c', 1],
      ];
      assert.deepEqual(read, [
        all,
        [
          ['b', 1],
          ['a', 1],
          ['c', 1],
        ],
        all,
        [
          ['b', 1],
          ['a', 1],
        ],
      ]);
      assert.deepEqual(
        before.map((one) => one.version),
        [1, 1],
        'what was answered before stays as it was',
      );
    });

    it('all are applied or none', async () => {
      const { catalog } = await empty();
      const unwritable = { ...definition('b'), params: { stores: 1n } };
      await assert.rejects(catalog.apply([definition('a'), unwritable], NOTE));
      assert.equal(await catalog.catalogNo(), 0);
      assert.deepEqual(await catalog.definitions(), []);
    });

    it('text of any kind comes back as it was', async () => {
      const { catalog } = await empty();
      const odd: Definition = {
        key: 'odd',
        name: '日本 "quotes" \\ \u2028 🙂',
        description: 'two\nlines',
        tags: ['é', "'"],
        type: 'rule',
        params: { trait: { name: 'x', in: ['', ' ', 0.1, -1e21, true] } },
      };
      await catalog.apply([odd], NOTE);
      assert.deepEqual((await catalog.definition('odd'))?.definition, odd);
    });

    it('segment numbers are dense from 0, given once, and never reused', async () => {
      const { catalog } = await empty();
      assert.deepEqual([...(await catalog.segmentNos(['c', 'a', 'b@s 1']))], [0, 1, 2]);
      assert.deepEqual([...(await catalog.segmentNos(['a', 'd', 'a', 'c', 'e', 'd']))], [1, 3, 1, 0, 4, 3]);
      assert.deepEqual([...(await catalog.segmentNos([]))], []);
    });

    it('numbers that are asked for at the same time do not collide', async () => {
      const { catalog } = await empty();
      const asked = Array.from({ length: 8 }, (_, i) => [`k${i}`, 'shared', `k${i + 1}`]);
      const given = await Promise.all(asked.map((keys) => catalog.segmentNos(keys)));
      const byKey = new Map<string, number>();
      asked.forEach((keys, i) => {
        keys.forEach((key, j) => {
          assert.equal(byKey.get(key) ?? given[i]![j], given[i]![j]);
          byKey.set(key, given[i]![j]!);
        });
      });
      assert.deepEqual(
        [...byKey.values()].sort((a, b) => a - b),
        [...byKey.keys()].map((_, i) => i),
      );
    });

    it('thousands are applied and numbered at once', async () => {
      const { catalog } = await empty();
      const many = Array.from({ length: 5_000 }, (_, i) => definition(`k${i}`));
      assert.equal((await catalog.apply(many, NOTE)).added, 5_000);
      assert.equal((await catalog.apply(many, NOTE)).unchanged, 5_000);
      const keys = many.map((one) => one.key);
      assert.deepEqual(
        [...(await catalog.segmentNos(keys))],
        keys.map((_, i) => i),
      );
      assert.deepEqual(
        (await catalog.definitions()).map((one) => one.definition.key),
        keys,
      );
    });

    it('after a restart everything is as it was', async (test) => {
      const { catalog, reopen } = await empty();
      if (reopen === undefined) return test.skip(`${name} does not outlive its process`);
      await catalog.apply([definition('a')], NOTE);
      await catalog.apply([definition('a', 'growth')], NOTE);
      await catalog.segmentNos(['x', 'y']);
      const before = await catalog.versions('a');
      const again = await reopen();
      assert.deepEqual(await again.versions('a'), before);
      assert.equal(await again.catalogNo(), 2);
      assert.deepEqual([...(await again.segmentNos(['z', 'y', 'x']))], [2, 1, 0]);
    });

    it('any sequence of applications leaves what the catalog in memory has', async () => {
      const change = fc.record({
        key: fc.constantFrom('a', 'b', 'c', 'd'),
        owner: fc.constantFrom('x', 'y'),
      });
      const applications = fc.array(fc.uniqueArray(change, { selector: (one) => one.key, maxLength: 4 }), {
        maxLength: 6,
      });
      await fc.assert(
        fc.asyncProperty(applications, async (steps) => {
          const { catalog, close } = await open();
          try {
            const oracle = new MemoryCatalog();
            for (const step of steps) {
              const definitions = step.map(({ key, owner }) => definition(key, owner));
              assert.deepEqual(await catalog.apply(definitions, NOTE), await oracle.apply(definitions, NOTE));
            }
            for (let position = 0; position <= (await oracle.catalogNo()); position++) {
              assert.deepEqual(await catalog.definitions(position), await oracle.definitions(position));
            }
          } finally {
            await close();
          }
        }),
        { numRuns: 15 },
      );
    });
  });
}
