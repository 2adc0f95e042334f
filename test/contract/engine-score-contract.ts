/** What every engine promises about scores of models and their versions, and about lists. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Engine } from '../../src/core/engine/engine.ts';
import type { ListEntryFact, ScoreFact } from '../../src/model/fact.ts';
import { engineTest, type OpenEngine } from './engine-contract.ts';
import { readEngine } from './live-facts-reading.ts';

/** A score with everything that a test does not care about. */
export function score(customerId: string, value: number, rest: Partial<ScoreFact> = {}): ScoreFact {
  return { customerId, model: 'churn', value, version: 'v1', ...rest };
}

/** Entries of customers who are on a list from now on. */
export function listed(list: string, ...customerIds: string[]): ListEntryFact[] {
  return customerIds.map((customerId) => ({ customerId, list, isListed: true }));
}

/** Entries of customers who are on it no more. */
export function delisted(list: string, ...customerIds: string[]): ListEntryFact[] {
  return customerIds.map((customerId) => ({ customerId, list, isListed: false }));
}

const scoreOf = async (engine: Engine, customerId: string, knownAt?: number) =>
  (await engine.customerFacts(customerId, knownAt)).scores.get('churn');
const listsOf = async (engine: Engine, customerId: string, knownAt?: number) =>
  [...(await engine.customerFacts(customerId, knownAt)).lists].sort();
const affected = async (engine: Engine, after: number, upTo: number) =>
  engine.customerIds(await engine.affectedCustomers(after, upTo));
/** What a scan says of each customer's scores and lists, without their numbers. */
async function valuesOf(engine: Engine, knownAt?: number): Promise<Record<string, unknown[]>> {
  const read = await readEngine(engine, knownAt === undefined ? {} : { knownAt });
  return Object.fromEntries(Object.entries(read).map(([id, { values }]) => [id, values]));
}

/** Defines the suite for one driver. */
export function engineScoreContract(name: string, open: OpenEngine): void {
  const test = engineTest(open);

  describe(`scores in the ${name} engine`, () => {
    test("of a model's first version are in force at once; those of others wait until it is activated", async (engine) => {
      await engine.put({ scores: [score('a', 0.5), score('b', 0.25, { validUntil: 99 })] });
      await engine.put({ scores: [score('a', 0.75, { version: 'v2' })] });
      assert.deepEqual(await scoreOf(engine, 'a'), score('a', 0.5));
      assert.deepEqual(await engine.activateModelVersion('churn', 'v2'), { batchNo: 3 });
      assert.equal(await engine.lastBatchNo(), 3);
      assert.deepEqual(await scoreOf(engine, 'a'), score('a', 0.75, { version: 'v2' }));
      assert.equal(await scoreOf(engine, 'b'), undefined, 'a version replaces the one before whole');
      assert.deepEqual(await scoreOf(engine, 'b', 2), score('b', 0.25, { validUntil: 99 }));
      assert.deepEqual(Object.keys(await valuesOf(engine)), ['a']);
      assert.deepEqual(Object.keys(await valuesOf(engine, 2)), ['a', 'b']);
    });

    test('put to the version in force count at once; the last of a batch wins', async (engine) => {
      await engine.put({ scores: [score('a', 1), score('a', 2), score('a', 3, { model: 'ltv' })] });
      assert.equal((await scoreOf(engine, 'a'))!.value, 2);
      await engine.put({ scores: [score('a', 3, { validUntil: 5 }), score('a', 4)] });
      await engine.put({ scores: [score('a', 4, { validUntil: 0 })] });
      await engine.put({ scores: [score('a', 4)] });
      assert.deepEqual(await scoreOf(engine, 'a', 1), score('a', 2));
      assert.deepEqual(await scoreOf(engine, 'a', 2), score('a', 4));
      assert.deepEqual(await scoreOf(engine, 'a', 3), score('a', 4, { validUntil: 0 }));
      assert.deepEqual(await scoreOf(engine, 'a'), score('a', 4));
    });

    test('affect their customers where they differ and their version is in force; an activation by itself affects nobody', async (engine) => {
      await engine.put({ scores: [score('a', 1), score('b', 1)] });
      await engine.put({ scores: [score('a', 1), score('b', 2)] });
      await engine.put({ scores: [score('a', 1, { version: 'v2' })] });
      assert.deepEqual(await affected(engine, 2, 3), []);
      await engine.activateModelVersion('churn', 'v2');
      assert.deepEqual(await affected(engine, 1, 2), ['b']);
      assert.deepEqual(await affected(engine, 2, 3), [], 'as of then');
      assert.deepEqual(await affected(engine, 2, 4), ['a']);
      assert.deepEqual(await affected(engine, 0, 4), ['a', 'b'], 'first heard of');
      assert.deepEqual(await affected(engine, 1, 4), ['a'], 'what v1 says of b counts no more');
      assert.deepEqual(await affected(engine, 3, 4), []);
    });

    test('come in a scan under the number of the version in force, with their end of validity', async (engine) => {
      await engine.put({
        traits: [{ customerId: 'a', name: 'age', value: '40' }],
        scores: [score('a', -0.5), score('b', 1e300, { validUntil: 0xffff_ffff })],
        listEntries: listed('vip', 'a'),
      });
      const values = await valuesOf(engine);
      const row = (id: string, kind: string) =>
        values[id]!.find((one) => String((one as unknown[])[0]).startsWith(kind));
      assert.deepEqual((row('a', 'score') as unknown[]).slice(2), ['-0.5', 'Infinity']);
      assert.deepEqual((row('b', 'score') as unknown[]).slice(2), ['1e+300', '4294967295']);
      assert.deepEqual(values.a!.length, 3);
      const { models, traitNames, lists } = await engine.dictionary();
      const numbers = [models.get('churn'), traitNames.get('age'), lists.get('vip')];
      assert.equal(new Set(numbers).size, 3, 'they share one range of numbers');
      for await (const batch of engine.scan({ columns: { amounts: false, traits: true } })) {
        for (let i = 0; i < batch.traitCount; i++) {
          if (batch.traitNameNo![i] !== models.get('churn')) continue;
          assert.equal(batch.traitValueNo![i], 0);
          if (batch.traitNumber![i] === -0.5) assert.equal(batch.traitMoment![i], Number.POSITIVE_INFINITY);
        }
        batch.release();
      }
    });
  });

  describe(`models in the ${name} engine`, () => {
    test('are told by name, with their versions by first arrival', async (engine) => {
      assert.deepEqual(await engine.models(), []);
      await engine.put({
        scores: [
          score('a', 1, { model: 'ltv', version: 'z' }),
          score('a', 1, { model: 'churn', version: 'b' }),
          score('a', 1, { model: 'churn', version: 'a' }),
          score('b', 1, { model: 'churn', version: 'a' }),
          score('b', 2, { model: 'churn', version: 'a' }),
          score('b', 2, { model: 'churn', version: '' }),
        ],
      });
      await engine.activateModelVersion('churn', 'a');
      assert.deepEqual(await engine.models(), [
        {
          model: 'churn',
          versions: [
            { version: 'b', scores: 1, isInForce: false, activatedBatchNo: 1 },
            { version: 'a', scores: 2, isInForce: true, activatedBatchNo: 2 },
            { version: '', scores: 1, isInForce: false },
          ],
        },
        { model: 'ltv', versions: [{ version: 'z', scores: 1, isInForce: true, activatedBatchNo: 1 }] },
      ]);
      assert.equal((await engine.counts()).scores, 5);
    });

    test('have the version in force that they had after a batch, under a number of its own', async (engine) => {
      await engine.put({ scores: [score('a', 1)] });
      await engine.put({ scores: [score('a', 2, { version: 'v2' }), score('a', 2, { model: 'ltv' })] });
      await engine.activateModelVersion('churn', 'v2');
      await engine.activateModelVersion('churn', 'v1');
      const numbers = await Promise.all(
        [0, 1, 2, 3, 4].map(async (at) => (await engine.dictionary(at)).models),
      );
      assert.deepEqual([...numbers[0]!.keys()], []);
      assert.deepEqual([...numbers[1]!.keys()], ['churn']);
      assert.deepEqual([...numbers[2]!.keys()].sort(), ['churn', 'ltv']);
      const churn = numbers.map((models) => models.get('churn'));
      assert.equal(churn[1], churn[2]);
      assert.notEqual(churn[2], churn[3]);
      assert.equal(churn[4], churn[1]);
      assert.equal((await engine.dictionary()).models.get('churn'), churn[4]);
    });

    test('refuse a version without scores, and change nothing for the one in force', async (engine) => {
      const unknown = { code: 'MODEL_VERSION_NOT_FOUND' };
      await assert.rejects(engine.activateModelVersion('churn', 'v1'), unknown);
      await engine.put({ scores: [score('a', 1)] });
      await assert.rejects(engine.activateModelVersion('churn', 'v2'), unknown);
      await assert.rejects(engine.activateModelVersion('ltv', 'v1'), unknown);
      assert.deepEqual(await engine.activateModelVersion('churn', 'v1'), { batchNo: 1 });
      assert.equal(await engine.lastBatchNo(), 1);
    });
  });

  describe(`lists in the ${name} engine`, () => {
    test('hold who was put on them last, and are told by name with how many that are', async (engine) => {
      const { unchangedListEntries } = await engine.put({
        listEntries: [...listed('vip', 'a', 'b'), ...listed('no-contact', 'a'), ...delisted('vip', 'b')],
      });
      assert.equal(unchangedListEntries, 1, 'b was on no list, and is on none');
      assert.deepEqual([await listsOf(engine, 'a'), await listsOf(engine, 'b')], [['no-contact', 'vip'], []]);
      await engine.put({ listEntries: [...delisted('vip', 'a'), ...listed('vip', 'b')] });
      assert.deepEqual([await listsOf(engine, 'a'), await listsOf(engine, 'b')], [['no-contact'], ['vip']]);
      assert.deepEqual(await listsOf(engine, 'a', 1), ['no-contact', 'vip']);
      assert.deepEqual(await engine.lists(), [
        { list: 'no-contact', customers: 1 },
        { list: 'vip', customers: 1 },
      ]);
      assert.deepEqual(await engine.lists('vip'), [{ list: 'vip', customers: 1 }]);
      assert.deepEqual(await engine.lists('none'), []);
      assert.equal((await engine.counts()).listEntries, 2);
    });

    test('tell which entries changed nothing, and those affect nobody', async (engine) => {
      const first = await engine.put({ listEntries: listed('vip', 'a', 'b', 'b') });
      assert.deepEqual(first, { batchNo: 1, newCustomers: 2, unchangedListEntries: 1 });
      const second = await engine.put({
        listEntries: [...listed('vip', 'a', 'c'), ...delisted('other', 'a'), ...delisted('vip', 'b')],
      });
      assert.deepEqual(second, { batchNo: 2, newCustomers: 1, unchangedListEntries: 2 });
      assert.deepEqual((await affected(engine, 1, 2)).sort(), ['b', 'c']);
    });

    test('make whom they hold known, and nobody whom they only let go', async (engine) => {
      await engine.put({ listEntries: [...delisted('vip', 'nobody'), ...listed('vip', 'a')] });
      assert.equal(await engine.customerNo('nobody'), undefined);
      assert.equal((await engine.counts()).customers, 1);
    });

    test('are replaced in one batch: who stays is not affected, who goes is', async (engine) => {
      await engine.put({ listEntries: [...listed('vip', 'a', 'b'), ...listed('other', 'a')] });
      const replaced = await engine.put({ emptiedLists: ['vip'], listEntries: listed('vip', 'b', 'c') });
      assert.deepEqual(replaced, { batchNo: 2, newCustomers: 1, unchangedListEntries: 1, delisted: 1 });
      assert.deepEqual((await affected(engine, 1, 2)).sort(), ['a', 'c']);
      assert.deepEqual(await listsOf(engine, 'a'), ['other']);
      assert.deepEqual(await listsOf(engine, 'a', 1), ['other', 'vip']);
      await engine.put({ emptiedLists: ['vip', 'vip', 'new'] });
      assert.deepEqual((await affected(engine, 2, 3)).sort(), ['b', 'c']);
      assert.deepEqual(await engine.lists(), [
        { list: 'new', customers: 0 },
        { list: 'other', customers: 1 },
        { list: 'vip', customers: 0 },
      ]);
    });

    test('come in a scan for those who are on them alone', async (engine) => {
      await engine.put({ listEntries: [...listed('vip', 'a', 'b'), ...listed('x', 'a')] });
      await engine.put({ listEntries: delisted('vip', 'b') });
      const names = async (knownAt?: number) =>
        Object.fromEntries(
          Object.entries(await valuesOf(engine, knownAt)).map(([id, rows]) => [
            id,
            rows.map((row) => (row as unknown[])[0]).sort(),
          ]),
        );
      assert.deepEqual(await names(), { a: ['list vip', 'list x'] });
      assert.deepEqual(await names(1), { a: ['list vip', 'list x'], b: ['list vip'] });
    });
  });
}
