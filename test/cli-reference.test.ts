/** The generated pages about the command line and the configuration are current. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CLI_REFERENCE_PAGES } from '../scripts/generate-cli-reference.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { OPTION_TABLE } from '../src/config/option-table.ts';

test('the pages about commands and settings are what `npm run docs` writes', () => {
  for (const [file, render] of CLI_REFERENCE_PAGES) {
    assert.equal(readFileSync(file, 'utf8'), render(), `${file}: run \`npm run docs\``);
  }
});

test('every command has two worked examples or more that call it, and every setting names commands that exist', () => {
  const names = COMMANDS.map(({ name }) => name);
  for (const { name, examples } of COMMANDS) {
    assert.ok(examples.length >= 2, name);
    assert.ok(
      examples.some(({ line }) => line.includes(`coterie ${name}`)),
      name,
    );
  }
  for (const row of Object.values(OPTION_TABLE)) {
    for (const command of row.commands)
      assert.ok(command === '*' || names.includes(command), `${row.flag}: ${command}`);
  }
});
