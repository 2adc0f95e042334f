/** What live facts of every engine promise of scores, of which those of versions in force alone count. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { liveFactsTest, type OpenEngine, readAll } from './live-facts-fixture.ts';
import { offsetsOf } from './live-facts-reading.ts';

const NOON = 1_700_000_000;

/** Defines the suite for one driver. */
export function liveFactsScoreContract(name: string, open: OpenEngine): void {
  const test = liveFactsTest(open);

  describe(`live facts of the ${name} engine, of scores,`, () => {
    test('name nobody for scores of versions that are not in force, and all whom they are of once they are', async ({
      engine,
      facts,
    }) => {
      const put = (version: string, ...customerIds: string[]) =>
        engine.put({
          scores: customerIds.map((customerId) => ({
            customerId,
            model: 'churn',
            version,
            value: 1,
            validUntil: NOON,
          })),
        });
      const received = async (after: number) => {
        await facts.advance();
        return engine.customerIds((await facts.received(after)).customers);
      };
      const ending = async () =>
        engine.customerIds(await facts.crossing(offsetsOf({ scores: [0] }), NOON - 1, NOON));
      await put('v1', 'a', 'b', 'c');
      assert.deepEqual(await received(0), ['a', 'b', 'c']);
      assert.deepEqual(await ending(), ['a', 'b', 'c']);
      await put('v2', 'a');
      assert.deepEqual(await received(1), []);
      await put('v2', 'b');
      await put('v1', 'c');
      assert.deepEqual(await received(1), [], 'nor for what is known');
      await engine.activateModelVersion('churn', 'v2');
      assert.deepEqual(await received(1), ['a', 'b']);
      assert.deepEqual(await ending(), ['a', 'b']);
      await put('v1', 'd');
      assert.deepEqual(await received(5), ['d'], 'first heard of');
      await engine.activateModelVersion('churn', 'v1');
      assert.deepEqual(await received(6), []);
      assert.deepEqual(await ending(), ['a', 'b', 'c', 'd']);
    });

    test('bring scores of the version in force alone, from its activation on', async (opened) => {
      const { engine, facts, compact } = opened;
      const scores = async () => {
        await facts.advance();
        const customers = Object.entries(await readAll(opened));
        return customers.map(([id, { values }]) => [id, ...values.map((value) => (value as unknown[])[2])]);
      };
      const put = (customerId: string, version: string, value: number) =>
        engine.put({ scores: [{ customerId, model: 'churn', version, value }] });
      await put('a', 'v1', 1);
      assert.deepEqual(await scores(), [['a', '1']]);
      await put('a', 'v2', 2);
      await put('b', 'v2', 2);
      assert.deepEqual(await scores(), [['a', '1']]);
      await engine.activateModelVersion('churn', 'v2');
      await compact();
      assert.deepEqual((await facts.received(3)).customers.length, 0);
      const inForce = [
        ['a', '2'],
        ['b', '2'],
      ];
      assert.deepEqual(await scores(), inForce);
      // Back, on to others, and back by more than one.
      await engine.activateModelVersion('churn', 'v1');
      assert.deepEqual(await scores(), [['a', '1']]);
      for (const version of ['v3', 'v4']) {
        await put('a', version, Number(version[1]));
        await engine.activateModelVersion('churn', version);
        assert.deepEqual(await scores(), [['a', version[1]]]);
      }
      await engine.activateModelVersion('churn', 'v2');
      assert.deepEqual(await scores(), inForce);
      await put('c', 'v2', 3);
      assert.deepEqual(await scores(), [...inForce, ['c', '3']]);
    });
  });
}
