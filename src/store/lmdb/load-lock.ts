/**
 * One load at a time over all processes: an exclusive file that says who loads. A holder that died
 * (`kill -9`) is recognised by its process id together with the moment that process began, since after
 * a restart, above all in a container, the same id belongs to another process. Processes that share a
 * folder must see each other's ids: a holder in another container counts as dead, and its load then
 * fails at its end, since the lock is asked for once more before anything is switched.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CoterieError } from '../../model/error.ts';
import { isMissing, toStoreError } from './lmdb-error.ts';

interface Holder {
  readonly pid: number;
  /** When the process began, as the system counts; '' where it does not tell. */
  readonly began: string;
  readonly token: string;
}

export interface LoadLock {
  /** Unique to this holding. */
  readonly token: string;
  /** Whether the lock is still this one's; asked once more before anything is switched. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

const LOCK = 'LOCK';
/** Each failed attempt means that another process came first; more than a few do not happen. */
const ATTEMPTS_MAX = 100;

/**
 * Takes the lock of a store's folder.
 *
 * @throws {CoterieError} `CALCULATION_RUNNING` if a living process holds it.
 */
export async function takeLoadLock(folder: string): Promise<LoadLock> {
  const path = join(folder, LOCK);
  const me: Holder = { pid: process.pid, began: processBegan(process.pid), token: randomUUID() };
  const passing = join(folder, `${LOCK}.${me.token}`);
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      // Written first and linked then: the lock is never seen without its content.
      await writeFile(passing, JSON.stringify(me));
      if (await linkIfFree(passing, path)) return heldLock(path, me);
      const holder = await readHolder(path);
      if (holder && isAlive(holder)) {
        throw new CoterieError(
          'CALCULATION_RUNNING',
          `process ${holder.pid} is loading memberships into ${folder}`,
          { folder, pid: holder.pid },
        );
      }
      if (holder) await takeAway(path, holder.token, `${path}.${randomUUID()}`);
    }
  } catch (error) {
    throw toStoreError(error, folder, 'lock the store');
  } finally {
    await rm(passing, { force: true });
  }
  throw new CoterieError('CALCULATION_RUNNING', `other processes keep taking the lock of ${folder}`, {
    folder,
  });
}

function heldLock(path: string, me: Holder): LoadLock {
  const isHeld = async () => (await readHolder(path))?.token === me.token;
  return {
    token: me.token,
    isHeld,
    async release() {
      if (await isHeld()) await rm(path, { force: true });
    },
  };
}

async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    // A missing source was cleared away by a load that began meanwhile: that load has the lock.
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes a dead holder's lock. Between reading and removing, another process may have taken the lock
 * over; what was moved away is therefore looked at, and put back if it is not the dead one's.
 */
async function takeAway(path: string, deadToken: string, aside: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const moved = await readHolder(aside);
  if (moved && moved.token !== deadToken) await linkIfFree(aside, path);
  await rm(aside, { force: true });
}

/** Undefined if there is no lock. One that cannot be read is nobody's, and counts as a dead process's. */
async function readHolder(path: string): Promise<Holder | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const { pid, began, token } = JSON.parse(text);
    return { pid: Number(pid), began: String(began), token: String(token) };
  } catch {
    return { pid: 0, began: '', token: '' };
  }
}

function isAlive(holder: Holder): boolean {
  if (!(holder.pid > 0)) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it is there, and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const began = processBegan(holder.pid);
  return began !== ENDED && (began === '' || holder.began === '' || began === holder.began);
}

/** Of a process that has ended and that nobody has waited for: it still answers signals. */
const ENDED = 'ended';

/** Boot and start of a process on Linux; '' elsewhere, where the process id alone must do. */
function processBegan(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields 3 (state) and 22 (start), counted from behind the name in brackets, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return ENDED;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19] ?? ''}`;
  } catch {
    return '';
  }
}
