// From facts to answers with a segment type of one's own, in a data folder that goes at the end.
// Run it: node --import tsx examples/plugin-segment-type/run.ts
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'coterie-example-'));
const env = { ...process.env, COTERIE_DATA: folder, COTERIE_PLUGINS: join(here, 'win-back.ts') };

/** Runs the command line as a shell would; it fails if the command does. */
function coterie(...args: string[]): void {
  console.log(`$ coterie ${args.join(' ')}`);
  execFileSync(process.execPath, [join(here, '../../bin/coterie.mjs'), ...args], { env, stdio: 'inherit' });
}

try {
  coterie('import', join(here, 'stores.csv'), '--as', 'stores');
  coterie('import', join(here, 'orders.csv'), '--as', 'orders');
  coterie('apply', join(here, 'segments.yaml'));
  coterie('calculate', '--at', '2026-03-06');
  for (const customer of ['ana', 'ben', 'cho']) {
    coterie('check', customer, 'win-back-burger-house', 'win-back-of@burger-house');
  }
  coterie('explain', 'ana', 'win-back-burger-house');
  coterie('verify');
} finally {
  rmSync(folder, { recursive: true });
}
