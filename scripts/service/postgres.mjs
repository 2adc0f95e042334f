// Starts a private PostgreSQL from the system's packages: a temporary folder, a free port of the loopback
// interface, no password, nothing durable. For benchmarks and tests; gone when it is stopped or the
// process ends. As root, the server runs as the package's user, since PostgreSQL refuses to run as root.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const DEBIAN_FOLDER = '/usr/lib/postgresql';
const START_MS_MAX = 30_000;
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The folder of the newest PostgreSQL's programs, or undefined where none is installed. */
export function postgresPrograms() {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER) : [];
  const packaged = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_FOLDER, version, 'bin'));
  const onPath = (process.env.PATH ?? '').split(delimiter);
  return [...packaged, ...onPath].find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );
}

/**
 * Starts a server.
 *
 * @param {{settings?: Record<string, string>}} [options] Settings of postgresql.conf, on top of defaults
 * that trade durability for speed.
 * @returns {Promise<{host: string, port: number, user: string, folder: string, pid: number, stop(): Promise<void>}>}
 */
export async function startPostgres({ settings = {} } = {}) {
  const programs = postgresPrograms();
  if (programs === undefined) {
    throw new Error('PostgreSQL is not installed: apt-get install -y postgresql, then try again');
  }
  const owner = serverUser();
  const folder = await mkdtemp(join(tmpdir(), 'coterie-postgres-'));
  if (owner.uid !== undefined) await chown(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const port = await freePort();
  const initialised = spawnSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...owner, cwd: folder, encoding: 'utf8' },
  );
  if (initialised.status !== 0) {
    throw new Error(`initdb failed: ${initialised.stderr || initialised.error?.message}`);
  }
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(programs, 'postgres'), ['-D', data, ...flags], {
    ...owner,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // However this process ends, short of SIGKILL, server and folder go with it. SIGQUIT ends a server at
  // once, without leaving children.
  const kill = () => {
    server.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const leave = () => process.exit(1);
  process.once('exit', kill);
  for (const signal of ENDING_SIGNALS) process.once(signal, leave);
  try {
    await ready(server);
  } catch (error) {
    kill();
    throw error;
  }
  return {
    host: '127.0.0.1',
    port,
    user: 'postgres',
    folder,
    pid: server.pid,
    async stop() {
      process.off('exit', kill);
      for (const signal of ENDING_SIGNALS) process.off(signal, leave);
      const ended = new Promise((resolve) => server.once('exit', resolve));
      if (server.exitCode === null && server.kill('SIGINT')) await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** As whom the server runs: the caller, or for root the user of Debian's package. */
function serverUser() {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new Error('PostgreSQL does not run as root, and there is no user "postgres" to run it as');
  }
  return { uid: Number(uid), gid: Number(gid) };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function ready(server) {
  return new Promise((resolve, reject) => {
    let log = '';
    const fail = (why) => reject(new Error(`PostgreSQL did not start: ${why}\n${log}`));
    const timer = setTimeout(() => fail(`not ready after ${START_MS_MAX / 1000} s`), START_MS_MAX);
    const settle = (action) => {
      clearTimeout(timer);
      action();
    };
    server.once('error', (error) => settle(() => fail(error.message)));
    server.once('exit', (code) => settle(() => fail(`it ended with ${code}`)));
    server.stderr.setEncoding('utf8').on('data', (text) => {
      if (log.length < 10_000) log += text;
      if (text.includes('ready to accept connections')) settle(resolve);
    });
  });
}

// On its own: starts a server, prints how to reach it, and stops it on Ctrl-C.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = await startPostgres();
  console.log(`postgres://${server.user}@${server.host}:${server.port}/postgres`);
}
