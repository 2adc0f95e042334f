// Runs one benchmark: `npm run bench -- evaluate --customers 2000000`. Without a name, lists them.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const [name, ...flags] = process.argv.slice(2);
const file = `bench/${name}.ts`;
if (!name || !existsSync(file)) {
  const names = readdirSync('bench')
    .filter((entry) => entry.endsWith('.ts'))
    .map((entry) => entry.slice(0, -3));
  console.error(
    `Usage: npm run bench -- <${names.join('|')}> [--customers N] [--orders N] [--stores N] [--segments N]`,
  );
  process.exit(name ? 1 : 0);
}
const result = spawnSync(process.execPath, ['--import', 'tsx', file, ...flags], { stdio: 'inherit' });
process.exit(result.status ?? 1);
