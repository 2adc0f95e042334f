/**
 * How a command reaches the Core: the data folder itself, or, when a running server has that folder open
 * (or --url names one), that server over HTTP. The command sees no difference.
 */

import type { Core } from '../core/core.ts';
import { CoterieError } from '../model/error.ts';
import type { Invocation } from './command.ts';
import { prepareDataFolder, readServerNote } from './data-folder.ts';
import type { CoreQuestions, RemoteServer } from './parts.ts';

interface Access {
  /** Whether a missing data folder is made, or refused. */
  readonly ifMissing: 'create' | 'refuse';
  /** Whether rows set aside that have outlived their life go: what writes such rows or forgets customers sees to it. */
  readonly removesOldRejects?: boolean;
}

/** Runs work that the Core can do in process or over HTTP, and closes it after. */
export async function withCore<T>(
  call: Invocation<unknown>,
  access: Access,
  work: (core: CoreQuestions) => Promise<T>,
): Promise<T> {
  if (call.config.url !== undefined) return work(await call.parts.connect(call.config.url));
  await prepareDataFolder(call.config.data, { ...access, version: call.version });
  let core: Core;
  try {
    core = await call.parts.openCore(call.config, access);
  } catch (error) {
    const server = isLocked(error) ? await readServerNote(call.config.data) : undefined;
    if (server === undefined) throw error;
    if (call.verbose)
      call.terminal.note(`asking the server at ${server.url}, which has ${call.config.data} open`);
    return work(await call.parts.connect(server.url));
  }
  try {
    return await work(core);
  } finally {
    await core.close();
  }
}

/** Runs work that is another one in process and over HTTP. */
export function withCoreOrServer<T>(
  call: Invocation<unknown>,
  access: Access,
  work: {
    readonly local: (core: Core) => Promise<T>;
    readonly remote: (server: RemoteServer, url: string) => Promise<T>;
  },
): Promise<T> {
  return withFolderOrServer(call, {
    local: () => withLocalCore(call, access, work.local),
    remote: work.remote,
  });
}

/** The same for work that opens the data folder by itself, and fails with `DATA_FOLDER_LOCKED` where it cannot. */
export async function withFolderOrServer<T>(
  call: Invocation<unknown>,
  work: {
    readonly local: () => Promise<T>;
    readonly remote: (server: RemoteServer, url: string) => Promise<T>;
  },
): Promise<T> {
  const { url } = call.config;
  if (url !== undefined) return work.remote(await call.parts.connect(url), url);
  try {
    return await work.local();
  } catch (error) {
    const server = isLocked(error) ? await readServerNote(call.config.data) : undefined;
    if (server === undefined) throw error;
    if (call.verbose) {
      call.terminal.note(`sending to the server at ${server.url}, which has ${call.config.data} open`);
    }
    return work.remote(await call.parts.connect(server.url), server.url);
  }
}

/** Runs work that needs the data folder itself. */
export async function withLocalCore<T>(
  call: Invocation<unknown>,
  access: Access,
  work: (core: Core) => Promise<T>,
): Promise<T> {
  await prepareDataFolder(call.config.data, { ...access, version: call.version });
  let core: Core;
  try {
    core = await call.parts.openCore(call.config, access);
  } catch (error) {
    throw isLocked(error) ? await lockedBy(call, error) : error;
  }
  try {
    return await work(core);
  } finally {
    await core.close();
  }
}

/** Says which server holds the folder, and that this command cannot go through it. */
async function lockedBy(call: Invocation<unknown>, error: CoterieError): Promise<CoterieError> {
  const server = await readServerNote(call.config.data);
  if (server === undefined) return error;
  return new CoterieError(
    'DATA_FOLDER_LOCKED',
    `${call.config.data} is held open by the server at ${server.url} (process ${server.pid}), ` +
      'and this command needs the folder to itself: stop the server, run the command, start it again',
    { ...error.details, ...server },
    { cause: error },
  );
}

function isLocked(error: unknown): error is CoterieError {
  return error instanceof CoterieError && error.code === 'DATA_FOLDER_LOCKED';
}
