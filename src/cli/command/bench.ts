/** `coterie bench`: hands over to the benchmarks. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CoterieError } from '../../model/error.ts';
import { defineCommand } from '../command.ts';

const PROJECT_FOLDER = fileURLToPath(new URL('../../../', import.meta.url));

export const benchCommand = defineCommand({
  name: 'bench',
  summary: 'measure, with the benchmarks of bench/',
  description:
    'The same as `npm run bench --`: everything after the name is handed on. Without a name it lists them.',
  arguments: [{ name: '[arguments...]', help: 'name of a benchmark and its flags' }],
  passThrough: true,
  examples: [
    { says: 'Which are there?', line: 'coterie bench' },
    {
      says: 'A full pass',
      line: 'coterie bench evaluate --customers 200000 --orders 10000000 --segments 10000',
    },
  ],
  async run(call) {
    const child = spawn(process.execPath, ['scripts/bench.mjs', ...call.args], {
      stdio: 'inherit',
      cwd: PROJECT_FOLDER,
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0)
      throw new CoterieError('INTERNAL', `the benchmark ended with code ${code ?? 'none'}`, { code });
  },
});
