/**
 * Writes docs/reference/definition.schema.json from the schema in src/model: `npm run docs`. With --check
 * it writes nothing and fails if the file is not current, as the tests do.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { publishedSchema } from '../src/model/definition-schema.ts';
import { SEGMENT_TYPES } from '../src/model/segment-type.ts';

export const DEFINITION_SCHEMA_FILE = fileURLToPath(
  new URL('../docs/reference/definition.schema.json', import.meta.url),
);

/** The file's text as it should be. */
export function renderDefinitionSchema(): string {
  return `${JSON.stringify(publishedSchema(SEGMENT_TYPES), undefined, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--check')) writeFileSync(DEFINITION_SCHEMA_FILE, renderDefinitionSchema());
  else if (readFileSync(DEFINITION_SCHEMA_FILE, 'utf8') !== renderDefinitionSchema()) {
    console.error(`${DEFINITION_SCHEMA_FILE} is not current: run \`npm run docs\`.`);
    process.exitCode = 1;
  }
}
