/** The page about rules and the published schema say what the code does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { DEFINITION_SCHEMA_FILE, renderDefinitionSchema } from '../scripts/generate-definition-schema.ts';
import { readDefinitions } from '../src/core/catalog/read-definitions.ts';
import { readRule } from '../src/core/catalog/read-rule.ts';
import { resolveSegments } from '../src/core/catalog/resolve-segments.ts';
import { validateCatalog } from '../src/core/catalog/validate-catalog.ts';
import { evaluateNaive, NO_FACTS, storeLookup } from '../src/core/evaluate/naive.ts';
import { loadPlugins } from '../src/core/plugin/load-plugins.ts';
import { RFM_GROUPS } from '../src/model/rfm.ts';
import type { WrittenQuintile } from '../src/model/rule-schema/test-schema.ts';
import { RuleSchema, type WrittenRule } from '../src/model/rule-schema.ts';
import type { Definition } from '../src/model/segment.ts';
import { SEGMENT_TYPES } from '../src/model/segment-type.ts';
import { codeBlocks } from './markdown.ts';

const PAGE = new URL('../docs/reference/rules.md', import.meta.url);
/** Brings the source `points`, an example of the conditions of plug-ins. */
const PLUGIN = fileURLToPath(new URL('../examples/plugin-source/points.ts', import.meta.url));
const STORES = {
  ids: ['s-104'],
  brand: ['burger-house'],
  city: ['BCN'],
  category: ['grocery'],
  tags: [['24h']],
};

function examples(): { readonly file: string; readonly definitions: Definition[] }[] {
  return codeBlocks(readFileSync(PAGE, 'utf8'))
    .filter((block) => block.info === 'yaml')
    .map((block) => {
      const file = `rules.md from line ${block.line}`;
      return { file, definitions: readDefinitions(block.text, { file, format: 'yaml' }, SEGMENT_TYPES) };
    });
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly [keyword: string]: unknown;
}

/** Calls `visit` for each schema in a document. */
function visitSchemas(
  schema: unknown,
  path: string,
  visit: (schema: JsonSchema, path: string) => void,
): void {
  if (typeof schema !== 'object' || schema === null) return;
  if (!Array.isArray(schema)) visit(schema as JsonSchema, path);
  for (const [name, part] of Object.entries(schema)) {
    if (name !== 'examples') visitSchemas(part, `${path}/${name}`, visit);
  }
}

/** Rows of the table of all conditions: example and whether it holds for a customer without facts. */
function conditionRows(): { readonly example: string; readonly strangers: string }[] {
  const [, section] = readFileSync(PAGE, 'utf8').split('## All conditions');
  return section!
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => /^\|(?! condition |---)/.test(line))
    .map((line) => {
      const [, , example, , strangers] = line.split('|').map((cell) => cell.trim());
      return { example: example!.replaceAll('`', ''), strangers: strangers! };
    });
}

/** What the last column says of an example: whether it holds for strangers. */
function isSaidOfStrangers(strangers: string, example: string): boolean {
  if (strangers === 'no') return false;
  if (strangers === '`exists: false` is') return example.includes('exists: false');
  if (strangers.endsWith('if 0 is within the bounds')) return !/atLeast: [1-9]/.test(example);
  if (strangers === 'only with `whenMissing: true`') return example.includes('whenMissing: true');
  return assert.fail(`the column says what is not tried out: ${strangers}`);
}

test('the table of all conditions has each, by an example that says what holds for strangers', async () => {
  const types = await loadPlugins([PLUGIN]);
  const named = new Set<string>();
  for (const { example, strangers } of conditionRows()) {
    const [params] = parse(`- ${example}`) as [WrittenRule];
    for (const name of Object.keys(params)) named.add(name);
    if (params.segment !== undefined) continue;
    const rule = readRule({ key: 'k', type: 'rule', params }, types);
    if ('population' in rule) continue;
    const holds = evaluateNaive(rule, NO_FACTS, 1_800_000_000, storeLookup(STORES));
    assert.equal(holds, isSaidOfStrangers(strangers, example), example);
  }
  const all = Object.keys(RuleSchema.properties).filter((name) => !['all', 'any', 'not'].includes(name));
  assert.deepEqual([...named].sort(), [...all, ...types.sources.keys()].sort());
});

test('the groups of rfm on the page are those of the type', () => {
  const rows = [
    ...readFileSync(PAGE, 'utf8').matchAll(/^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+\|$/gm),
  ];
  const found = Object.fromEntries(
    rows.map(([, group, ...cells]) => [group, cells.map((cell) => cell.trim())]),
  );
  assert.deepEqual(Object.keys(found), Object.keys(RFM_GROUPS));
  const words = (bound: WrittenQuintile | undefined): string => {
    if (bound === undefined) return 'any';
    if (typeof bound === 'number') return String(bound);
    return bound.atLeast === bound.atMost ? String(bound.atLeast) : `${bound.atLeast}–${bound.atMost}`;
  };
  for (const [group, boxes] of Object.entries(RFM_GROUPS)) {
    for (const [i, name] of (['recency', 'frequency', 'monetary'] as const).entries()) {
      const said = new Set(
        boxes.map((box: Partial<Record<typeof name, WrittenQuintile>>) => words(box[name])),
      );
      const text = found[group]![i]!;
      assert.equal([...said].join(', or '), text.replace(/ where .*$/, ''), `${group}: ${name}`);
    }
  }
});

test('every example on the page about rules can be applied', () => {
  const pages = examples();
  assert.ok(pages.length >= 12);
  for (const { definitions } of pages) {
    validateCatalog([], definitions, STORES, SEGMENT_TYPES);
    const versions = definitions.map((definition) => ({
      definition,
      version: 1,
      catalogNo: 1,
      author: '',
      at: 0,
    }));
    assert.ok(resolveSegments({ versions, stores: STORES, types: SEGMENT_TYPES }).length > 0);
  }
});

test('every field and every type has an example on the page', () => {
  const fields = new Set<string>();
  visitSchemas(JSON.parse(renderDefinitionSchema()), '', ({ properties }) => {
    for (const name of Object.keys(properties ?? {})) fields.add(name);
  });
  const used = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, part] of Object.entries(value)) {
      used.add(name);
      collect(part);
    }
  };
  const definitions = examples().flatMap((page) => page.definitions);
  collect(definitions);
  assert.deepEqual(
    [...fields].filter((name) => !used.has(name)),
    [],
  );
  const types = new Set(definitions.map((definition) => definition.type));
  assert.deepEqual(
    [...SEGMENT_TYPES.keys()].filter((name) => !types.has(name)),
    [],
  );
});

test('the published schema is what `npm run docs` writes', () => {
  assert.equal(readFileSync(DEFINITION_SCHEMA_FILE, 'utf8'), renderDefinitionSchema());
});

test('the published schema stands alone, and takes and refuses what the service does', () => {
  const validate = new Ajv2020({ strictTypes: false }).compile(JSON.parse(renderDefinitionSchema()));
  for (const { file, definitions } of examples()) {
    assert.ok(validate(definitions), `${file}: ${JSON.stringify(validate.errors)}`);
    for (const definition of definitions) assert.ok(validate(definition), file);
  }
  assert.ok(!validate({ key: 'a', type: 'nwe' }));
  assert.ok(!validate([{ key: 'a', type: 'inactive', params: { within: '0d' } }]));
  assert.ok(!validate({ key: 'a', type: 'rule', params: { all: [{ orders: { stores: { city: 5 } } }] } }));
});

test('every field in the published schema has a title, a description and examples that follow it', () => {
  const schema = JSON.parse(renderDefinitionSchema()) as { $id: string; $defs: Record<string, unknown> };
  const ajv = new Ajv2020({ strictTypes: false });
  ajv.addSchema(schema);
  visitSchemas(schema.$defs, '#/$defs', ({ properties }, path) => {
    for (const [name, field] of Object.entries(properties ?? {})) {
      const at = `${path}/properties/${name}`;
      // The schema that a condition on the type adds is described where the type is.
      if (field.$ref !== undefined || 'const' in field) continue;
      assert.equal(typeof field.title, 'string', at);
      assert.equal(typeof field.description, 'string', at);
      assert.ok(Array.isArray(field.examples) && field.examples.length > 0, at);
      const validate = ajv.getSchema(`${schema.$id}${at}`)!;
      for (const example of field.examples) assert.ok(validate(example), `${at}: ${JSON.stringify(example)}`);
    }
  });
});
