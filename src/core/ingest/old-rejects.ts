/**
 * Rows that were set aside hold customers' ids in whatever form they came in, so that nobody can be found
 * and forgotten in them: instead, their files do not live long.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** How often a server looks. */
const LOOK_MS = 3_600_000;

/**
 * Removes files that nothing was written to for so long, and that writers of the folder name like their own.
 *
 * @returns How many were removed. What cannot be removed stays for the next time.
 */
export async function removeOldRejects(folder: string, lifeMs: number, nowMs = Date.now()): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  let removed = 0;
  for (const name of names.filter((each) => REJECTS.test(each))) {
    const file = join(folder, name);
    const written = await stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => nowMs,
    );
    // A file of a stream holds rows that are older than itself, by up to half of the life.
    if (nowMs - written < (name.startsWith('stream') ? lifeMs / 2 : lifeMs)) continue;
    if (await rm(file).then(isDone, isNotDone)) removed++;
  }
  return removed;
}

/** Of imports, here and into a server, and of streams. */
const REJECTS = /^(?:batch-\d+-.*|import-\d{8}T.*|stream(?:-before)?\.ndjson)$/;

const isDone = () => true;
const isNotDone = () => false;

/** Looks now and then until it is closed. */
export function keepRejectsShort(folder: string, lifeMs: number): { close(): Promise<void> } {
  const timer = setInterval(() => void removeOldRejects(folder, lifeMs), LOOK_MS).unref();
  void removeOldRejects(folder, lifeMs);
  return {
    async close() {
      clearInterval(timer);
    },
  };
}
