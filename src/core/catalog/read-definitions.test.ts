import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoterieError } from '../../model/error.ts';
import { SEGMENT_TYPES } from '../../model/segment-type.ts';
import type { Problem } from './problem.ts';
import { type DefinitionFormat, readDefinitions } from './read-definitions.ts';

function read(text: string, format: DefinitionFormat = 'yaml') {
  return readDefinitions(text, { file: `f.${format}`, format }, SEGMENT_TYPES);
}

/** Code and message lines of what is thrown. */
function failure(
  text: string,
  format: DefinitionFormat = 'yaml',
): { code: string; lines: string[]; problems: Problem[] } {
  try {
    read(text, format);
  } catch (error) {
    assert.ok(error instanceof CoterieError, String(error));
    const problems = error.details.problems as Problem[];
    return { code: error.code, lines: error.message.split('\n'), problems };
  }
  return assert.fail('nothing was thrown');
}

const A = { key: 'a', type: 'new', params: { stores: ['s1', 's2'] } };
const B = { key: 'b', type: 'inactive', params: { within: '30d' } };
const YAML_A = '- key: a\n  type: new\n  params:\n    stores: [s1, s2]\n';
const YAML_B = '- { key: b, type: inactive, params: { within: 30d } }\n';

describe('reading definitions', () => {
  it('YAML, JSON and NDJSON say the same', () => {
    assert.deepEqual(read(YAML_A + YAML_B), [A, B]);
    assert.deepEqual(read(JSON.stringify([A, B], undefined, 2), 'json'), [A, B]);
    assert.deepEqual(read(JSON.stringify([A, B]), 'yaml'), [A, B]);
    assert.deepEqual(read(`${JSON.stringify(A)}\n\n${JSON.stringify(B)}`, 'ndjson'), [A, B]);
  });

  it('a file may hold one definition, several documents, a byte order mark, Windows line ends', () => {
    assert.deepEqual(read(JSON.stringify(A), 'json'), [A]);
    assert.deepEqual(read('key: a\ntype: new\nparams: {stores: [s1, s2]}\n'), [A]);
    assert.deepEqual(read(`---\n${YAML_A}---\n${YAML_B}`), [A, B]);
    assert.deepEqual(read(`\ufeff# comment\r\n${(YAML_A + YAML_B).replaceAll('\n', '\r\n')}`), [A, B]);
  });

  it('an anchor may be used in another definition', () => {
    const text =
      '- key: a\n  type: new\n  params: {stores: &s [s1, s2]}\n- key: c\n  type: new\n  params: {stores: *s}\n';
    assert.deepEqual(read(text), [A, { ...A, key: 'c' }]);
  });

  it('an empty list is no definitions; an empty file is a mistake', () => {
    assert.deepEqual(read('[]'), []);
    assert.deepEqual(failure('').lines, [
      'f.yaml:1:1: expected a definition or a list of them, found nothing',
    ]);
    assert.equal(failure('# nothing\n').code, 'DEFINITION_INVALID');
    assert.equal(failure('', 'json').code, 'DEFINITION_INVALID');
  });
});

describe('problems of definitions', () => {
  it('each is told with file, line, column, field, what was expected and what was found', () => {
    const text = `${YAML_A}- key: b\n  type: inactive\n  params:\n    stors: [x]\n    within: 0d\n- key: c\n  type: nwe\n`;
    const { code, lines, problems } = failure(text);
    assert.equal(code, 'DEFINITION_INVALID');
    assert.deepEqual(lines, [
      'f.yaml:8:5: params.stors: expected one of the fields stores, within, found an unknown field; did you mean "stores"?',
      'f.yaml:9:5: params.within: expected a window such as "30d", found "0d"',
      'f.yaml:11:3: type: expected one of new, recurrent, inactive, rfm, rule, found "nwe"; did you mean "new"?',
    ]);
    assert.deepEqual(
      problems.map(({ file, line, column, key, path }) => ({ file, line, column, key, path })),
      [
        { file: 'f.yaml', line: 8, column: 5, key: 'b', path: 'params.stors' },
        { file: 'f.yaml', line: 9, column: 5, key: 'b', path: 'params.within' },
        { file: 'f.yaml', line: 11, column: 3, key: 'c', path: 'type' },
      ],
    );
  });

  it('places are right in JSON, in one document and in several', () => {
    const bad = { key: 'b', type: 'new', params: { stores: ['s1', 5] } };
    assert.match(
      failure(JSON.stringify([A, bad], undefined, 2), 'json').lines[0]!,
      /^f\.json:18:9: params\.stores\[1\]: /,
    );
    assert.match(
      failure(`[${JSON.stringify(A)},\n  ${JSON.stringify(bad)}]`, 'json').lines[0]!,
      /^f\.json:2:52: /,
    );
    assert.match(
      failure(`${JSON.stringify(A)}\n${JSON.stringify(bad)}`, 'ndjson').lines[0]!,
      /^f\.ndjson:2:50: /,
    );
    assert.match(
      failure('key: a\ntype: new\nparams:\n  stores:\n  - s1\n  - 5\n').lines[0]!,
      /^f\.yaml:6:5: /,
    );
    assert.match(
      failure(`---\n${YAML_A}---\nkey: a\nname: ""\ntype: new\n`).lines[0]!,
      /^f\.yaml:8:1: name: /,
    );
  });

  it('a missing field is told at what should hold it', () => {
    assert.deepEqual(failure(`${YAML_A}- key: b\n  type: inactive\n  params: {}\n`).lines, [
      'f.yaml:7:3: params.within: expected a window such as "30d", found nothing',
    ]);
  });

  it('text that is not well-formed is told with its place', () => {
    assert.match(
      failure('key: a\n type: new\n').lines[0]!,
      /^f\.yaml:1:6: expected well-formed YAML, found this: /,
    );
    assert.match(failure(`${YAML_A}- key: "b\n`).lines[0]!, /^f\.yaml:6:1: .*quote/);
    assert.match(failure('key: a\n\ttype: new\n').lines[0]!, /^f\.yaml:2:1: .*Tabs/);
    assert.deepEqual(failure(`${YAML_A}- key: b\n  type: *t\n`).lines, [
      'f.yaml:6:9: expected an alias of an anchor that stands before it, found *t, of which there is none',
    ]);
    assert.deepEqual(failure('key: a\ntype: rule\nparams: &p\n  all: [*p]\n').lines, [
      'f.yaml:4:9: expected an alias of what does not hold it, found *p inside of &p: a circle, &p → *p → &p',
    ]);
    assert.match(failure('- key: a\n  params: &p {not: *p}\n').lines[0]!, /^f\.yaml:2:20: .*circle/);
    assert.match(failure('&p\n- *p\n').lines[0]!, /^f\.yaml:2:3: .*circle/);
    assert.match(failure('key: !secret a\ntype: new\n').lines[0]!, /^f\.yaml:1:6: .*tag/i);
    assert.deepEqual(failure('[{"key":"a",}]', 'json').lines, [
      'f.json:1:13: expected a name in double quotes, found "}]"',
    ]);
    const two = failure(`{"key":"a"\n${JSON.stringify(A)}\n{"key" "b"}\n`, 'ndjson');
    assert.equal(two.code, 'DEFINITION_SYNTAX');
    assert.deepEqual(two.lines, [
      'f.ndjson:1:11: expected "," or "}", found the end of the text',
      'f.ndjson:3:8: expected ":", found "\\"b\\"}"',
    ]);
  });

  it('JSON that is cut or odd anywhere fails like JSON.parse, and never otherwise', () => {
    const text = JSON.stringify([A, { ...B, name: 'é\n"\\ \u2028', description: '1e5', tags: ['-0.5E+3'] }]);
    for (let i = 1; i < text.length; i++) {
      for (const odd of [
        text.slice(0, i),
        `${text.slice(0, i)}x${text.slice(i)}`,
        `${text.slice(0, i)}\n${text.slice(i)}`,
      ]) {
        let parses = true;
        try {
          JSON.parse(odd);
        } catch {
          parses = false;
        }
        try {
          read(odd, 'json');
          assert.ok(parses, odd);
        } catch (error) {
          assert.ok(error instanceof CoterieError, odd);
          if (!parses) assert.equal(error.code, 'DEFINITION_SYNTAX', odd);
        }
      }
    }
  });

  it('a field that stands twice is refused with both lines', () => {
    assert.deepEqual(failure('- key: a\n  type: new\n  type: new\n').lines, [
      'f.yaml:3:3: expected each field once in a map, found "type" again (the first is on line 2)',
    ]);
    assert.deepEqual(failure('{"key":"a",\n"type":"new",\n"t\\u0079pe":"new"}', 'json').lines, [
      'f.json:3:1: expected each field once in a map, found "type" again (the first is on line 2)',
    ]);
  });

  it('a key that is defined twice is refused with both places', () => {
    assert.deepEqual(failure(`${YAML_A}${YAML_B}- type: new\n  key: a\n`).lines, [
      'f.yaml:7:3: key: expected a key that is defined once, found "a" again; the first is at f.yaml:1:3',
    ]);
  });

  it('a hundred problems are enough, and twenty of them in the message', () => {
    const text = Array.from({ length: 300 }, (_, i) => `- key: k${i}\n  type: no\n`).join('');
    const { lines, problems } = failure(text);
    assert.equal(problems.length, 100);
    assert.equal(lines.length, 21);
    assert.equal(lines.at(-1), '… and 80 or more other problems');
  });
});

describe('hostile definitions', () => {
  const LENGTH = 10_000_000;
  const repeated = (text: string) => text.repeat(Math.ceil(LENGTH / text.length));
  const head = 'key: a\ntype: rule\nparams: ';
  const indented = () => {
    let text = 'key: a\ntype: rule\nparams:\n';
    for (let i = 1; text.length < LENGTH; i++) text += `${' '.repeat(i)}not:\n`;
    return text;
  };
  const cases: readonly [string, () => string, DefinitionFormat][] = [
    ['10 MB of nested not in JSON', () => `{"key":"a","type":"rule","params":${repeated('{"not":')}`, 'json'],
    [
      '10 MB of nested not in NDJSON',
      () => `{"key":"a","type":"rule","params":${repeated('{"not":')}`,
      'ndjson',
    ],
    ['10 MB of nested not in YAML, on one line', () => head + repeated('{not: '), 'yaml'],
    ['10 MB of nested not in YAML, on lines', () => `${head}\n ${repeated('{not:\n ')}`, 'yaml'],
    ['10 MB of nested not in YAML, indented', indented, 'yaml'],
    ['10 MB of lists in lists', () => repeated('- '), 'yaml'],
    ['10 MB of keys of keys', () => repeated('? '), 'yaml'],
    ['10 MB of both', () => repeated('- ? '), 'yaml'],
    [
      'millions of rules in one',
      () => `{"key":"a","type":"rule","params":{"all":[${repeated('1,')}1]}}`,
      'json',
    ],
    [
      'aliases of aliases',
      () =>
        Array.from({ length: 12 }, (_, i) =>
          i === 0
            ? 'a0: &a0 [x]\n'
            : `a${i}: &a${i} [${Array(10)
                .fill(`*a${i - 1}`)
                .join(', ')}]\n`,
        ).join(''),
      'yaml',
    ],
  ];
  for (const [what, text, format] of cases) {
    it(`${what} is refused as too large`, () => {
      assert.equal(failure(text(), format).code, 'DEFINITION_TOO_LARGE');
    });
  }

  it('brackets in text do not count as nesting', () => {
    assert.equal(read(`key: a\ntype: new\ndescription: "${'['.repeat(1_900)}"\n`).length, 1);
    assert.equal(read(`key: a\ntype: new\ndescription: why (${'{['.repeat(900)}\n`).length, 1);
  });

  it('names of the prototype are fields like others', () => {
    assert.match(
      failure('{"__proto__": {"key":"a"}, "type":"new"}', 'json').lines.join('\n'),
      /__proto__: .*unknown field/,
    );
    assert.match(
      failure('- __proto__: {key: a}\n  type: new\n').lines.join('\n'),
      /__proto__: .*unknown field/,
    );
  });
});
