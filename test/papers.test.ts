/**
 * Holds the papers of the house to what is true: links lead somewhere, the error reference is current,
 * and each numbered invariant of ARCHITECTURE.md names a test that exists.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ERROR_REFERENCE_FILE, renderErrorReference } from '../scripts/generate-error-reference.ts';
import { readDefinitions } from '../src/core/catalog/read-definitions.ts';
import { ERROR_CATALOGUE } from '../src/model/error.ts';
import { SEGMENT_TYPES } from '../src/model/segment-type.ts';
import { anchors, codeBlocks, links, markdownFiles } from './markdown.ts';

/** Capital words joined by underscores, but for environment variables. */
const CODE = /^(?!COTERIE_|NO_COLOR$)[A-Z]+(?:_[A-Z]+)+$/;

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Links of a page that lead to no file, or to no heading of it. */
function brokenLinks(page: string, text: string, readPage: (path: string) => string | undefined): string[] {
  const broken: string[] = [];
  for (const link of links(text)) {
    if (/^[a-z][a-z+.-]*:/.test(link)) continue;
    const [file = '', anchor] = link.split('#');
    const path = file === '' ? page : normalize(join(dirname(page), file));
    const target = path === page ? text : readPage(path);
    if (target === undefined) broken.push(`${page}: ${link} leads to no file`);
    else if (anchor !== undefined && path.endsWith('.md') && !anchors(target).has(anchor)) {
      broken.push(`${page}: ${link} leads to no heading`);
    }
  }
  return broken;
}

test('the readers of pages see blocks, links and anchors', () => {
  const page = [
    '# One `two` (three)!',
    '[a](b.md) ![c](d.png "title") [e](#one-two-three)',
    '```sh runnable',
    '[no](no.md)',
    '```',
    '`[no](no.md)`',
    '## Again',
    '## Again',
  ].join('\n');
  assert.deepEqual(links(page), ['b.md', 'd.png', '#one-two-three']);
  assert.deepEqual([...anchors(page)], ['one-two-three', 'again', 'again-1']);
  assert.deepEqual(codeBlocks(page), [{ info: 'sh runnable', text: '[no](no.md)\n', line: 3 }]);
  assert.deepEqual(
    brokenLinks('x/y.md', '# A\n[1](#a) [2](#b) [3](../z.md#c) [4](../gone.md)', (path) =>
      path === 'z.md' ? '# C' : undefined,
    ),
    ['x/y.md: #b leads to no heading', 'x/y.md: ../gone.md leads to no file'],
  );
});

test('every link between pages leads to a file and a heading', () => {
  const pages = markdownFiles(root);
  assert.ok(pages.includes('README.md'));
  const broken = pages.flatMap((page) =>
    brokenLinks(page, read(page), (path) =>
      existsSync(join(root, path)) ? (path.endsWith('.md') ? read(path) : '') : undefined,
    ),
  );
  assert.deepEqual(broken, []);
});

/** Words in code style of a page, outside of blocks. */
const codeWords = (text: string): string[] =>
  [...text.replace(/^(`{3,}).*\n[\s\S]*?^\1\s*$/gm, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);

test('files, metrics and error codes that pages name exist', () => {
  const metrics = read('src/api/metrics.ts') + read('src/api/stream-metrics.ts');
  const wrong: string[] = [];
  for (const page of markdownFiles(root)) {
    for (const word of codeWords(read(page))) {
      const path = /^(?:src|test|bench|docs|scripts|examples|bin)\/[\w./-]*$/.exec(word)?.[0];
      if (path !== undefined && !existsSync(join(root, path))) wrong.push(`${page}: no file ${word}`);
      if (/^coterie_[a-z_]+$/.test(word) && !metrics.includes(`'${word}'`))
        wrong.push(`${page}: no metric ${word}`);
      if (CODE.test(word) && !(word in ERROR_CATALOGUE)) wrong.push(`${page}: no error code ${word}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('definitions that pages show are valid', () => {
  let read = 0;
  for (const page of markdownFiles(root)) {
    for (const block of codeBlocks(readFileSync(join(root, page), 'utf8'))) {
      const [language] = block.info.split(/\s+/);
      // Blocks of other YAML, such as settings, have no type of segment in them.
      if ((language !== 'yaml' && language !== 'json') || !/^(?:- |\s*\{?\s*)"?key"?:/m.test(block.text))
        continue;
      if (!/"?\btype"?:/.test(block.text)) continue;
      readDefinitions(block.text, { file: `${page}:${block.line}`, format: language }, SEGMENT_TYPES);
      read++;
    }
  }
  assert.ok(read >= 3, `only ${read} blocks of definitions were read`);
});

test('docs/reference/errors.md is what the error catalogue says', () => {
  assert.equal(
    readFileSync(ERROR_REFERENCE_FILE, 'utf8'),
    renderErrorReference(),
    'docs/reference/errors.md is not current: run `npm run docs`',
  );
});

test('every numbered invariant of ARCHITECTURE.md names a test that exists', () => {
  const section = /^## Invariants$([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(read('ARCHITECTURE.md'))?.[1] ?? '';
  const invariants = section.split(/^(?=\d+\. )/m).slice(1);
  assert.ok(invariants.length >= 10, `only ${invariants.length} invariants were read`);
  invariants.forEach((invariant, index) => {
    assert.ok(invariant.startsWith(`${index + 1}. `), `invariant ${index + 1} is numbered otherwise`);
    const flat = invariant.replace(/\s+/g, ' ');
    const named = [...flat.matchAll(/Test: `([^`]+)` in \[[^\]]+\]\(([^)]+)\)/g)];
    assert.ok(named.length > 0, `invariant ${index + 1} names no test`);
    for (const [, name, file] of named) {
      assert.ok(existsSync(join(root, file!)), `${file} of invariant ${index + 1} does not exist`);
      assert.ok(read(file!).includes(name!), `${file} has no test named "${name}" (invariant ${index + 1})`);
    }
  });
});
