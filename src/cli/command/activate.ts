/** `coterie activate`: puts a version of a model in force. */
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { suggestNext } from '../next-step.ts';
import { visible } from '../words.ts';

export const activateCommand = defineCommand({
  name: 'activate',
  summary: 'put a version of a model in force',
  description:
    'It replaces the version before, whole, at once: a customer without a score of it has none. An earlier\n' +
    'version can be put in force again. Memberships follow with the next tick, or the next calculation.',
  arguments: [
    { name: '<model>', help: 'name of the model' },
    { name: '<version>', help: 'one of its versions, as "models" lists them' },
  ],
  examples: [
    { says: 'A version that was imported with --stage', line: 'coterie activate churn 2026-03' },
    { says: 'Back to the one before', line: 'coterie activate churn 2026-02' },
  ],
  async run(call) {
    const [model = '', version = ''] = call.args;
    const { batchNo } = await withCore(call, { ifMissing: 'refuse' }, (core) =>
      core.activateModelVersion(model, version),
    );
    if (call.json) await call.terminal.printJson({ model, version, batchNo });
    else {
      await call.terminal.print(`${visible(model)}: version ${visible(version)} is in force`);
      suggestNext(call, 'calculate');
    }
  },
});
