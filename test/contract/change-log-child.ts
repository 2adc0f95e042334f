/**
 * A process of its own for the kill test of the change log: appends tick after tick until it is killed.
 * Every change of tick n enters segment n, and "leaves" the segment whose number is the tick's size.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openLmdbChangeLog } from '../../src/core/change/lmdb/lmdb-change-log.ts';
import { change, tick } from './change-log-contract.ts';

export function startAppender(folder: string): ChildProcess {
  return fork(fileURLToPath(import.meta.url), ['append', folder], { execArgv: ['--import', 'tsx'] });
}

async function appendForever(folder: string): Promise<void> {
  const log = await openLmdbChangeLog({ folder });
  const [lastChange] = await log.read(log.position - 1, 1);
  for (let at = (lastChange?.at ?? 0) + 1; ; at++) {
    // Some ticks take several transactions.
    const size = at % 3 === 0 ? 25_000 : 1 + ((at * 97) % 700);
    const changes = Array.from({ length: size }, (_, i) => change(i, [at], [size]));
    await log.append(tick(at, changes));
    process.send?.({ at });
  }
}

const [mode, folder] = process.argv.slice(2);
if (mode === 'append') await appendForever(folder!);
