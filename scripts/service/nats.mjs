// Starts a private NATS server with JetStream from the system's packages: a temporary folder, a free port
// of the loopback interface. For tests; gone when it is stopped or the process ends.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { end, endWithProcess, freePort, listening } from './service.mjs';

const START_MS_MAX = 30_000;

/** The server's program, or undefined where it is not installed. */
export function natsProgram() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, 'nats-server')).find((path) => existsSync(path));
}

/**
 * Starts a server.
 *
 * @returns {Promise<{url: string, pid: number, restart(): Promise<void>, stop(): Promise<void>}>} `restart`
 * kills it and starts it again with what it holds.
 */
export async function startNats() {
  const program = natsProgram();
  if (program === undefined) {
    throw new Error('NATS is not installed: apt-get install -y nats-server, then try again');
  }
  const folder = await mkdtemp(join(tmpdir(), 'coterie-nats-'));
  const port = await freePort();
  let server;
  let letGo = () => {};
  const start = async () => {
    server = spawn(program, ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    letGo = endWithProcess(server, folder);
    await listening(server, { name: 'NATS', port, startMsMax: START_MS_MAX });
  };
  const halt = async (signal) => {
    letGo();
    await end(server, signal);
  };
  await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    pid: server.pid,
    async restart() {
      await halt('SIGKILL');
      await start();
    },
    async stop() {
      await halt('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// On its own: starts a server, prints how to reach it, and stops it on Ctrl-C.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log((await startNats()).url);
}
