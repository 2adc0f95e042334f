import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoterieError } from '../../model/error.ts';
import { RFM_GROUPS, type RfmGroup } from '../../model/rfm.ts';
import type { Rule } from '../../model/rule.ts';
import { SEGMENT_TYPES } from '../../model/segment-type.ts';
import { checkDefinition } from './check-definition.ts';
import { readRule } from './read-rule.ts';

function read(params: object): Rule {
  return readRule({ key: 'k', type: 'rfm', params: { currency: 'EUR', ...params } }, SEGMENT_TYPES);
}

/** Whether a rule of quintiles holds for someone in these. */
function holds(rule: Rule, quintiles: Readonly<Record<string, number>>): boolean {
  if (rule.kind === 'all') return rule.rules.every((part) => holds(part, quintiles));
  if (rule.kind === 'any') return rule.rules.some((part) => holds(part, quintiles));
  assert.ok(rule.kind === 'orders' && rule.population?.kind === 'quintile');
  const quintile = quintiles[rule.measure]!;
  return quintile >= rule.population.atLeast && quintile <= rule.population.atMost;
}

function messageOf(params: object): string {
  try {
    checkDefinition({ key: 'a', type: 'rfm', params }, SEGMENT_TYPES);
  } catch (error) {
    assert.ok(error instanceof CoterieError, String(error));
    return error.message;
  }
  return 'no error';
}

describe('the type rfm', () => {
  it('champions in Barcelona are one line', () => {
    const looked = {
      kind: 'orders',
      stores: { kind: 'attributes', attributes: { city: ['BCN'] } },
      currency: 'EUR',
      withinS: 365 * 86_400,
    };
    const quintile = (atLeast: number, atMost: number) => ({
      population: { kind: 'quintile', atLeast, atMost },
    });
    assert.deepEqual(read({ group: 'champions', stores: { city: 'BCN' } }), {
      kind: 'all',
      rules: [
        { ...looked, measure: 'lastAge', ...quintile(5, 5) },
        { ...looked, measure: 'count', ...quintile(4, 5) },
        { ...looked, measure: 'sum', ...quintile(4, 5) },
      ],
    });
  });

  it('everyone who ordered is in exactly one group', () => {
    const rules = (Object.keys(RFM_GROUPS) as RfmGroup[]).map((group) => read({ group }));
    for (let r = 1; r <= 5; r++)
      for (let f = 1; f <= 5; f++)
        for (let m = 1; m <= 5; m++) {
          const quintiles = { lastAge: r, count: f, sum: m };
          const groups = rules.filter((rule) => holds(rule, quintiles));
          assert.equal(groups.length, 1, `R ${r}, F ${f}, M ${m}`);
        }
  });

  it('quintiles may be given instead of a group', () => {
    const rule = read({ recency: { atMost: 2 }, monetary: 5, within: '90d', stores: ['s1'] });
    assert.ok(holds(rule, { lastAge: 2, count: 1, sum: 5 }));
    assert.ok(!holds(rule, { lastAge: 3, count: 1, sum: 5 }));
    assert.ok(!holds(rule, { lastAge: 2, count: 1, sum: 4 }));
    const one = read({ frequency: 1 });
    assert.equal(one.kind === 'orders' && one.measure, 'count');
  });

  it('a family of groups looks at the instance', () => {
    const params = { group: 'loyal', stores: { each: true }, currency: 'EUR' };
    const rule = readRule({ key: 'k', type: 'rfm', forEach: 'city', params }, SEGMENT_TYPES, 'BCN');
    assert.equal(JSON.stringify(rule).match(/"attributes":\{"city":\["BCN"\]\}/g)?.length, 5);
  });

  it('what is wrong is told at the parameter, once', () => {
    assert.match(
      messageOf({ group: 'champion', currency: 'EUR' }),
      /^a: params\.group: expected one of champions, .*did you mean "champions"\?$/,
    );
    assert.equal(
      messageOf({ recency: { atLeast: 4, atMost: 2 }, currency: 'EUR' }),
      'a: params.recency: expected a number that is not below atLeast, 4, found 2',
    );
    assert.equal(
      messageOf({ group: 'champions', within: '40000d', currency: 'EUR' }),
      'a: params.within: expected a window of at most 36525d, found "40000d"',
    );
    assert.equal(
      messageOf({ currency: 'EUR' }),
      'a: params: expected either group, or any of recency, frequency, monetary, found the fields currency',
    );
    assert.match(messageOf({ group: 'loyal' }), /^a: params\.currency: expected a currency such as "EUR"/);
    assert.match(messageOf({ monetary: 6, currency: 'EUR' }), /^a: params\.monetary: .*at most 5, found 6$/);
  });
});
