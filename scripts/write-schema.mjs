// Writes docs/reference/definition.schema.json from the schema in src/model. Run after changing it:
//   node --import tsx scripts/write-schema.mjs
import { writeFileSync } from 'node:fs';
import { publishedSchema } from '../src/model/definition-schema.ts';
import { SEGMENT_TYPES } from '../src/model/segment-type.ts';

const file = new URL('../docs/reference/definition.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(publishedSchema(SEGMENT_TYPES), undefined, 2)}\n`);
