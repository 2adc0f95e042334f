/**
 * Makes a folder and those above it. Node's own recursive `mkdir` never ends where a file system answers
 * "no such file" for a name in a folder that exists, as /proc does.
 */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes the folder unless it is there.
 *
 * @throws {NodeJS.ErrnoException} What the system says of the first folder that cannot be made.
 */
export async function makeFolder(folder: string): Promise<void> {
  const path = resolve(folder);
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (await isFolder(path)) return;
    const above = dirname(path);
    if (code !== 'ENOENT' || above === path || (await isFolder(above))) throw error;
    await makeFolder(above);
    // Another process may have made it meanwhile.
    await mkdir(path).catch(async (second: unknown) => {
      if (!(await isFolder(path))) throw second;
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
