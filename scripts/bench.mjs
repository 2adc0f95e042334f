// Runs one benchmark: `npm run bench -- evaluate --customers 2000000`. Without a name, lists them with
// their claims, the first sentence of each. A benchmark is a file of bench/ whose first lines say "Claim:"; the others are their parts.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Name → claim, in one line. */
function readClaims() {
  const claims = new Map();
  for (const entry of readdirSync('bench').filter((file) => file.endsWith('.ts'))) {
    const claim = /^\/\*\*\s*\* Claim: ([\s\S]*?)(?:\n \*\n|\*\/)/.exec(
      readFileSync(`bench/${entry}`, 'utf8'),
    );
    if (claim) claims.set(entry.slice(0, -3), claim[1].replace(/\s*\n \* ?/g, ' ').split(/\.(?:\s|$)/)[0]);
  }
  return claims;
}

const [name, ...flags] = process.argv.slice(2);
const claims = readClaims();
if (!claims.has(name)) {
  const wanted = name !== undefined && !['-h', '--help', 'help'].includes(name);
  if (wanted) console.error(`There is no benchmark "${name}".`);
  console.error('Usage: npm run bench -- <name> [flags]; --help after a name lists its flags.\n');
  const width = Math.max(...[...claims.keys()].map((key) => key.length));
  for (const [key, claim] of claims) console.error(`  ${key.padEnd(width)}  ${claim}`);
  process.exit(wanted ? 1 : 0);
}
const result = spawnSync(process.execPath, ['--import', 'tsx', `bench/${name}.ts`, ...flags], {
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
