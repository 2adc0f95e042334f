/**
 * Holds the source to the layer table of ARCHITECTURE.md: who may import whom, no circles, a driver's
 * dependency only in its driver's folder, one reader of the environment, names and sizes. Each detector is
 * first shown a small tree with the fault in it, so that a detector that sees nothing cannot pass.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  environmentReaders,
  importCycles,
  importsOf,
  type LayerRules,
  layerBreaches,
  nameBreaches,
  type SourceTree,
  shapeBreaches,
} from './import-graph.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The catalog and the record of calculations live in the engine's file. */
const DUCKDB_FOLDERS = [
  'src/core/engine/duckdb',
  'src/core/catalog/duckdb',
  'src/core/history/duckdb',
  'src/core/webhook/duckdb',
];

const RULES: LayerRules = {
  layers: {
    model: [],
    core: ['model'],
    store: ['model'],
    flag: ['model'],
    config: ['model'],
    experiment: ['model', 'core'],
    client: ['model'],
    api: ['model', 'core', 'store', 'flag', 'experiment'],
    cli: ['model', 'client', 'config', 'core', 'store', 'api'],
    console: ['model', 'client'],
    main: ['model', 'core', 'store', 'flag', 'config', 'experiment', 'client', 'api', 'cli', 'console'],
  },
  packages: {
    '@duckdb/node-api': DUCKDB_FOLDERS,
    // Two drivers keep files of their own in LMDB; neither knows the other's.
    lmdb: ['src/store/lmdb', 'src/core/change/lmdb', 'src/core/engine/duckdb/ledger'],
    ioredis: ['src/store/redis'],
    pg: ['src/core/catalog/postgres'],
    '@nats-io/jetstream': ['src/core/stream/nats'],
    '@nats-io/transport-node': ['src/core/stream/nats'],
    '@platformatic/kafka': ['src/core/stream/kafka'],
    fastify: ['src/api'],
    commander: ['src/cli'],
    'cli-progress': ['src/cli'],
  },
  // Schemas of TypeBox are data.
  bareLayers: { model: ['typebox'], client: [] },
  drivers: {
    'src/core/engine/duckdb': [...DUCKDB_FOLDERS, 'src/main.ts'],
    'src/core/catalog/duckdb': ['src/main.ts'],
    'src/core/history/duckdb': ['src/main.ts'],
    'src/core/webhook/duckdb': ['src/main.ts'],
    'src/core/change/lmdb': ['src/main.ts'],
    'src/core/stream/nats': ['src/main.ts'],
    'src/core/stream/kafka': ['src/main.ts'],
    'src/store/lmdb': ['src/main.ts'],
    'src/store/redis': ['src/main.ts'],
  },
  // Plug-ins are named in the configuration.
  loaders: ['src/core/plugin/load-module.ts'],
};

/** About 400, as CONTRIBUTING.md says: what is over this is two things. */
const FILE_LINES_MAX = 420;

function readTree(folders: readonly string[]): SourceTree {
  const tree = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (/\.(?:ts|mjs)$/.test(entry.name)) tree.set(path, readFileSync(join(root, path), 'utf8'));
    }
  };
  for (const folder of folders) if (existsSync(join(root, folder))) walk(folder);
  return tree;
}

const source = readTree(['src']);
const everything = readTree(['src', 'test', 'bench', 'scripts', 'examples', 'bin']);

const HEADER = '/** What it is. */\n';
const treeOf = (files: Record<string, string>): SourceTree =>
  new Map(Object.entries(files).map(([path, text]) => [path, HEADER + text]));

test('the detector of imports sees every form of them', () => {
  const tree = treeOf({
    'src/core/a.ts': [
      "import type { A } from '../model/one.ts';",
      'import {',
      '  b,',
      '  c,',
      "} from '../model/two.ts';",
      "export { d } from '../model/three.ts';",
      "export * from '../model/four.ts';",
      "import '../model/five.ts';",
      "const six = await import('../model/six.ts');",
      "new Worker(new URL('./seven.ts', import.meta.url));",
      "import duckdb from '@duckdb/node-api/lib/x.js';",
      "import { open } from 'lmdb';",
      "import { join } from 'node:path';",
      "// import { no } from '../model/no.ts';",
      " * import { no } from '../model/no.ts';",
      "const text = 'from elsewhere';",
      'await import(somewhere);',
    ].join('\n'),
    ...Object.fromEntries(
      ['one', 'two', 'three', 'four', 'five', 'six', 'no'].map((name) => [`src/model/${name}.ts`, '']),
    ),
    'src/core/seven.ts': '',
  });
  const found = importsOf(tree, 'src/core/a.ts');
  assert.deepEqual([...found.files].sort(), [
    'src/core/seven.ts',
    'src/model/five.ts',
    'src/model/four.ts',
    'src/model/one.ts',
    'src/model/six.ts',
    'src/model/three.ts',
    'src/model/two.ts',
  ]);
  assert.deepEqual(found.packages, ['@duckdb/node-api', 'lmdb']);
  assert.deepEqual(found.builtins, ['node:path']);
  assert.deepEqual(found.unresolved, ['import(somewhere)']);
});

test('the detectors of breaches find each of them in a tree that has them', () => {
  const tree = treeOf({
    'src/model/a.ts': "import { b } from '../core/b.ts';\nimport { z } from 'zod';",
    'src/core/b.ts': "import { c } from '../store/c.ts';\nimport { open } from 'lmdb';",
    'src/core/gone.ts': "import { x } from './nowhere.ts';",
    'src/store/c.ts': "import { d } from '../../bench/d.ts';",
    'src/store/lmdb/e.ts': "import { open } from 'lmdb';",
    'src/api/f.ts': "import { e } from '../store/lmdb/e.ts';",
    'src/shop/g.ts': '',
    'src/main.ts': "import { e } from './store/lmdb/e.ts';",
    'src/core/b.test.ts': "import { c } from '../store/c.ts';",
    'bench/d.ts': "import { e } from '../src/store/lmdb/e.ts';",
  });
  assert.deepEqual(layerBreaches(tree, RULES), [
    'src/model/a.ts imports src/core/b.ts: model may not import core',
    'src/model/a.ts imports zod: model imports nothing but what is ours',
    'src/core/b.ts imports src/store/c.ts: core may not import store',
    'src/core/b.ts imports lmdb, which belongs in src/store/lmdb, src/core/change/lmdb, src/core/engine/duckdb/ledger',
    'src/core/gone.ts imports ./nowhere.ts, which is not found',
    'src/store/c.ts imports bench/d.ts, outside src',
    'src/api/f.ts imports src/store/lmdb/e.ts: only the composition root picks a driver',
    'src/shop/g.ts is in the layer shop, which is not in the table',
  ]);
});

test('the detector of circles finds them, through types and workers too', () => {
  const tree = treeOf({
    'src/core/a.ts': "import type { B } from './b.ts';",
    'src/core/b.ts': "new Worker(new URL('./c.ts', import.meta.url));",
    'src/core/c.ts': "import { a } from './a.ts';",
    'src/core/d.ts': "import { a } from './a.ts';",
  });
  assert.deepEqual(importCycles(tree), ['src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts']);
});

test('the detectors of names, sizes and readers of the environment find theirs', () => {
  assert.equal(nameBreaches(['src/core/readRule.ts', 'src/Core/x.ts', 'src/core/x_y.ts']).length, 3);
  assert.equal(
    nameBreaches(['src/core/utils/x.ts', 'src/core/date-helpers.ts', 'src/common/x.ts']).length,
    3,
  );
  assert.deepEqual(nameBreaches(['src/core/read-rule.test.ts', '.ci/run.sh']), []);
  const tree: SourceTree = new Map([
    ['src/core/long.ts', `${HEADER}${'x();\n'.repeat(9)}`],
    ['src/core/bare.ts', 'export const port = process.env.PORT;\n'],
    ['src/config/option.ts', `${HEADER}export const port = process.env.PORT;\n`],
    ['src/core/named.ts', `${HEADER}import { env } from 'node:process';\n`],
  ]);
  assert.deepEqual(shapeBreaches(tree, { lines: 9 }), [
    'src/core/long.ts has 10 lines: at most 9',
    'src/core/bare.ts does not begin with a comment that says what it is',
  ]);
  assert.equal(environmentReaders(tree).length, 2);
});

test('each layer imports only what the table lets it import', () => {
  assert.ok(source.size > 15, `only ${source.size} source files were read`);
  assert.deepEqual(layerBreaches(everything, RULES), []);
});

test('no files import each other in a circle', () => {
  assert.deepEqual(importCycles(source), []);
});

test('only src/config reads the environment', () => {
  assert.deepEqual(environmentReaders(everything), []);
});

test('names are kebab-case and say what is inside', () => {
  assert.deepEqual(nameBreaches(everything.keys()), []);
});

test('every file says what it is and stays within about 400 lines', () => {
  assert.deepEqual(shapeBreaches(everything, { lines: FILE_LINES_MAX }), []);
});

test('the layer table of ARCHITECTURE.md is the one enforced here', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  for (const [layer, others] of Object.entries(RULES.layers)) {
    const line = text.split('\n').find((row) => row.startsWith(`| \`${layer}\` |`));
    assert.ok(line, `ARCHITECTURE.md has no row for the layer ${layer}`);
    const named = [...line.split('|')[2]!.matchAll(/`([a-z]+)`/g)].map((match) => match[1]);
    const wanted = layer === 'main' ? [] : others;
    assert.deepEqual(named.sort(), [...wanted].sort(), `the row for ${layer} differs`);
  }
});

test('the command of the package can be executed as it is checked out', () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  for (const file of Object.values(bin)) {
    assert.notEqual(statSync(join(root, file)).mode & 0o111, 0, `${file} is not executable`);
  }
});
