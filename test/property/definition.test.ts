/**
 * Definitions under random input: what is valid reads into the normal form, the same in every format and
 * style; what is not ends in a CoterieError and nothing else.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseDocument, stringify } from 'yaml';
import { checkDefinition } from '../../src/core/catalog/check-definition.ts';
import { NOT_PLAIN, readPlainElement } from '../../src/core/catalog/plain-yaml.ts';
import { type DefinitionFormat, readDefinitions } from '../../src/core/catalog/read-definitions.ts';
import { readRule } from '../../src/core/catalog/read-rule.ts';
import { deepYamlOffset } from '../../src/core/catalog/yaml-nesting.ts';
import { describeRule } from '../../src/model/describe.ts';
import { CoterieError } from '../../src/model/error.ts';
import type { WrittenRule } from '../../src/model/rule-schema.ts';
import type { Definition } from '../../src/model/segment.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { arbitraryCondition } from './arbitrary/condition.ts';
import { writtenRule } from './written-rule.ts';

const text = fc.oneof(
  fc.constantFrom(
    'BCN',
    's-104',
    '24h',
    'null',
    'true',
    '007',
    '1e3',
    '0x1F',
    '.5',
    'a b',
    "it's",
    'x: y',
    '- x',
    '#',
    '~',
  ),
  fc.string({ minLength: 1, maxLength: 12 }).filter((value) => !/\p{Cc}/u.test(value)),
);
const window = fc
  .tuple(fc.integer({ min: 1, max: 500 }), fc.constantFrom('s', 'm', 'h', 'd', 'w'))
  .map(([count, unit]) => `${count}${unit}`);
const amount = fc
  .integer({ min: -1_000_000, max: 1_000_000 })
  .chain((units) => fc.constantFrom<number | string>(units / 10_000, (units / 10_000).toFixed(4)));
const attribute = fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 }));
const stores = fc.oneof(
  fc.constant('all' as const),
  fc.array(text, { minLength: 1, maxLength: 4 }),
  fc.record({ ids: fc.array(text, { minLength: 1, maxLength: 4 }) }),
  fc
    .record({ brand: attribute, city: attribute, category: attribute, tag: attribute }, { requiredKeys: [] })
    .filter((filter) => Object.keys(filter).length > 0),
);
const amountTest = fc.oneof(
  fc.record({ atLeast: amount, currency: fc.constant('EUR') }),
  fc.record({ atMost: amount, currency: fc.constant('EUR') }),
);
const countTest = fc.oneof(
  fc.record({ equals: fc.nat(5) }),
  fc.record({ atLeast: fc.nat(5) }),
  fc.record({ atLeast: fc.nat(3), atMost: fc.integer({ min: 3, max: 9 }) }),
);
const measure = fc.oneof(
  fc.constant({}),
  fc.record({ count: countTest }),
  fc
    .constantFrom('sum', 'average', 'minimum', 'maximum')
    .chain((name) => amountTest.map((test) => ({ [name]: test }))),
);
const orders = fc
  .tuple(
    fc.record({ stores, within: window, discounted: fc.boolean() }, { requiredKeys: [] }),
    measure,
    fc.option(fc.record({ amount, currency: fc.constant('EUR') }), { nil: undefined }),
  )
  .map(([filter, test, minimumTotal]) => ({ ...filter, ...test, ...(minimumTotal && { minimumTotal }) }));
const traitValue = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
);
const trait = fc.oneof(
  fc.record({ name: text, equals: traitValue }),
  fc.record({ name: text, in: fc.array(traitValue, { minLength: 1, maxLength: 3 }) }),
  fc.record({ name: text, exists: fc.boolean() }),
  fc.record({ name: text, atLeast: fc.integer() }),
);
const { rule } = fc.letrec<{ rule: WrittenRule }>((tie) => ({
  rule: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ orders }) as fc.Arbitrary<WrittenRule>,
    fc.record({ trait }) as fc.Arbitrary<WrittenRule>,
    arbitraryCondition.map((condition) => writtenRule(condition) as WrittenRule),
    fc.record({ segment: fc.constantFrom('other', 'family@s 1') }),
    fc.record({ all: fc.array(tie('rule'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('rule'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('rule') }),
  ),
}));
const definition = fc
  .tuple(
    fc.record(
      {
        name: text,
        owner: text,
        tags: fc.array(text, { minLength: 1, maxLength: 3 }),
        status: fc.constantFrom('active', 'paused'),
      },
      { requiredKeys: [] },
    ),
    fc.oneof(
      fc.record({ type: fc.constant('rule'), params: rule }),
      fc.record({ type: fc.constant('new'), params: fc.record({ stores }, { requiredKeys: [] }) }),
      fc.record({
        type: fc.constant('recurrent'),
        params: fc.record(
          { stores, atLeast: fc.integer({ min: 1, max: 9 }), within: window },
          { requiredKeys: ['atLeast'] },
        ),
      }),
      fc.record({
        type: fc.constant('inactive'),
        params: fc.record({ stores, within: window }, { requiredKeys: ['within'] }),
      }),
    ),
  )
  .map(([head, body]) => ({ key: 'k', ...head, ...body }) as Definition);

function read(source: string, format: DefinitionFormat) {
  return readDefinitions(source, { file: 'f', format }, SEGMENT_TYPES);
}

/** Replaces, removes or adds something somewhere in a value. */
function mutate(value: unknown, path: readonly number[], by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return by;
  const entries = Object.entries(value);
  const at = step % (entries.length + 1);
  if (at === entries.length) return Array.isArray(value) ? [...value, by] : { ...value, [String(step)]: by };
  const changed = entries.map(([name, part], i) => [name, i === at ? mutate(part, rest, by) : part] as const);
  return Array.isArray(value) ? changed.map(([, part]) => part) : Object.fromEntries(changed);
}

describe('random definitions', () => {
  it('valid ones read into a normal form that reads back into itself, and can be described', () => {
    fc.assert(
      fc.property(definition, (valid) => {
        const normal = readRule(valid, SEGMENT_TYPES);
        const again = readRule(
          { key: 'k', type: 'rule', params: writtenRule(normal) as WrittenRule },
          SEGMENT_TYPES,
        );
        assert.deepEqual(again, normal);
        assert.ok(describeRule(normal).length > 0);
      }),
      { numRuns: 400 },
    );
  });

  it('say the same in JSON, NDJSON and every style of YAML', () => {
    const style = fc.record({
      collectionStyle: fc.constantFrom('any' as const, 'block' as const, 'flow' as const),
      defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_SINGLE' as const, 'QUOTE_DOUBLE' as const),
      indent: fc.constantFrom(2, 4),
      indentSeq: fc.boolean(),
      lineWidth: fc.constantFrom(0, 20, 80),
    });
    fc.assert(
      fc.property(definition, definition, style, (first, other, options) => {
        const expected = JSON.parse(JSON.stringify([first, { ...other, key: 'other' }])) as Definition[];
        assert.deepEqual(read(JSON.stringify(expected), 'json'), expected);
        assert.deepEqual(read(expected.map((one) => JSON.stringify(one)).join('\n'), 'ndjson'), expected);
        assert.deepEqual(read(stringify(expected, options), 'yaml'), expected);
      }),
      { numRuns: 300 },
    );
  });

  it('damaged values are refused with a CoterieError or are valid', () => {
    const junk = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(Number.NaN, undefined, '', -1, [], {}, '0d', { each: true }),
    );
    fc.assert(
      fc.property(definition, fc.array(fc.nat(20), { maxLength: 6 }), junk, (valid, path, by) => {
        const damaged = mutate(valid, path, by);
        try {
          checkDefinition(damaged, SEGMENT_TYPES);
        } catch (error) {
          assert.ok(error instanceof CoterieError, String(error));
          assert.ok(error.message.length > 0 && !error.message.includes('undefined'), error.message);
          return;
        }
        if (damaged.forEach === undefined) readRule(damaged, SEGMENT_TYPES);
      }),
      { numRuns: 1_000 },
    );
  });

  it('damaged text is refused with a CoterieError with a line, or is valid', () => {
    const damage = fc.record({
      at: fc.nat(),
      remove: fc.nat(3),
      insert: fc.constantFrom(
        '',
        ':',
        '[',
        '}',
        '"',
        '\t',
        '\n',
        '- ',
        '&a ',
        '*a',
        '|',
        '#',
        '!x ',
        '\u0000',
        ',',
      ),
    });
    fc.assert(
      fc.property(
        definition,
        damage,
        fc.constantFrom('yaml', 'json'),
        (valid, { at, remove, insert }, format) => {
          const source = format === 'yaml' ? stringify([valid]) : JSON.stringify([valid], undefined, 1);
          const position = at % source.length;
          const damaged = source.slice(0, position) + insert + source.slice(position + remove);
          try {
            read(damaged, format);
          } catch (error) {
            assert.ok(error instanceof CoterieError, `${error}\n${damaged}`);
            assert.match(error.message, /^f:\d+:\d+: /);
          }
        },
      ),
      { numRuns: 1_500 },
    );
  });
});

describe('the fast way through YAML', () => {
  // Pieces that lie at the edge of what it reads.
  const piece = fc.constantFrom(
    '- ',
    'key: ',
    'a',
    'b:',
    'null',
    'True',
    '3',
    '-3',
    '0.50',
    '1e3',
    '0x1',
    '.5',
    '+1',
    '007',
    ' ',
    '  ',
    '\n',
    '\n  ',
    '\n    ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    ',',
    ': ',
    ':',
    '"x"',
    "'y'",
    "''",
    '#',
    ' # c',
    '&a ',
    '*a',
    '|',
    '>',
    '~',
    '!t ',
    'é',
    '-',
    '--- ',
    '30d',
    "it's",
    '"a\\n"',
    '?',
  );
  it('reads what it reads as the full parser does', () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), fc.boolean(), (pieces, isMap) => {
        const source = `- ${isMap ? 'key: ' : ''}${pieces.join('')}\n`;
        const fast = readPlainElement(source);
        if (fast === NOT_PLAIN || deepYamlOffset(source, 100) !== undefined) return;
        plain++;
        assert.deepEqual([fast], fullParser(source), source);
      }),
      { numRuns: 6_000 },
    );
    assert.ok(plain > 300, `only ${plain} were read the fast way`);
  });

  it('reads definitions as they are commonly written', () => {
    const source =
      '- key: a\n  # why\n  tags: [x, "y z"]\n\n  type: recurrent\n  params:\n    stores:\n    - s1\n    - s2\n    atLeast: 3\n';
    assert.notEqual(readPlainElement(source), NOT_PLAIN);
  });
});

/** What the full parser makes of it; a text that it refuses fails the test. */
function fullParser(source: string): unknown {
  const document = parseDocument(source, { logLevel: 'silent' });
  assert.deepEqual([...document.errors, ...document.warnings].map(String), [], source);
  return document.toJS();
}
