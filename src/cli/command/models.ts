/** `coterie models`: models whose scores came in, and which version of each is in force. */
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { suggestNext } from '../next-step.ts';
import { countOf, layOutTable } from '../words.ts';

export const modelsCommand = defineCommand({
  name: 'models',
  summary: 'list models, their versions and what is in force',
  description:
    'Lists models whose scores came in, with their versions in order of arrival. The first version of a model\n' +
    'is in force at once; another one when it is activated, or at the end of the file that brings it.',
  examples: [
    { says: 'All models', line: 'coterie models' },
    {
      says: 'What is in force, for a script',
      line: "coterie models --json | jq '.models[].versions[] | select(.isInForce)'",
    },
  ],
  async run(call) {
    const models = await withCore(call, { ifMissing: 'refuse' }, (core) => core.models());
    if (call.json) {
      await call.terminal.printJson({ models });
      return;
    }
    const rows = models.flatMap(({ model, versions }) => versions.map((version) => ({ model, ...version })));
    await call.terminal.print(
      ...layOutTable(rows, [
        { title: 'MODEL', value: ({ model }) => model },
        { title: 'VERSION', value: ({ version }) => version },
        { title: 'SCORES', value: ({ scores }) => scores },
        { title: 'IN FORCE', value: ({ isInForce }) => (isInForce ? 'yes' : '') },
      ]),
    );
    call.terminal.note(countOf(models.length, 'model'));
    if (rows.some(({ isInForce }) => !isInForce)) suggestNext(call, 'activate <model> <version>');
  },
});
