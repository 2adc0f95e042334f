/** `coterie schema`: the JSON Schema of definitions. */
import { defineCommand } from '../command.ts';

export const schemaCommand = defineCommand({
  name: 'schema',
  summary: 'print the JSON Schema of definitions',
  description: 'The one schema that definitions are held to, for completion and checking in an editor.',
  examples: [
    { says: 'Into a file', line: 'coterie schema > segments.schema.json' },
    {
      says: 'Completion in editors that know the YAML language server: first line of a YAML file',
      line: '# yaml-language-server: $schema=segments.schema.json',
    },
  ],
  async run(call) {
    const schema = await call.parts.schema(call.config);
    await call.terminal.print(call.json ? JSON.stringify(schema) : JSON.stringify(schema, null, 2));
  },
});
