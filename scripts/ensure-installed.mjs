// Installs the locked dependencies when they are missing or older than the lock file, so that
// `npm start` and `npm test` work on a bare clone, also several of them at once: one installs, the others
// wait. Uses nothing outside Node itself.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Coterie needs Node 20.19 or newer; this is ${process.versions.node}. Install a newer Node and try again.`,
  );
  process.exit(1);
}

/** Written when everything was found in place: the hash of the lock file. `npm ci` begins by removing it. */
const MARKER = 'node_modules/.coterie-installed';
/** Whoever installs holds this folder; the name of the only file in it is the id of a process. */
const LOCK = '.installing';
/** No installation takes so long: the process has ended, and another one has its id. */
const LOCK_MS_MAX = 900_000;

const lockFile = readFileSync('package-lock.json', 'utf8');
const hash = createHash('sha256').update(lockFile).digest('hex');

if (!isMarked()) await install();

function isMarked() {
  return existsSync(MARKER) && readFileSync(MARKER, 'utf8') === hash;
}

/** Whether every package that is locked is there: what npm notes down says nothing of what was removed since. */
function isWhole() {
  return Object.entries(JSON.parse(lockFile).packages)
    .filter(([folder, entry]) => folder !== '' && !entry.optional)
    .every(([folder, { version }]) => versionOf(`${folder}/package.json`) === version);
}

function versionOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).version;
  } catch {
    return undefined;
  }
}

async function install() {
  let holder = await enter();
  try {
    if (isMarked()) return;
    if (!isWhole()) {
      console.error('Installing dependencies (npm ci) …');
      const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
        stdio: ['ignore', 'ignore', 'inherit'],
        shell: process.platform === 'win32',
      });
      const ended = new Promise((resolve) => npm.once('error', () => resolve(1)).once('close', resolve));
      // If this process is killed, npm may go on.
      if (npm.pid !== undefined) holder = handOver(holder, npm.pid);
      const status = await ended;
      if (status !== 0 || !isWhole()) {
        console.error(
          'npm ci failed: see the lines above; check the connection to the package registry and try again.',
        );
        process.exitCode = status || 1;
        return;
      }
    }
    mark();
  } finally {
    leave(holder);
  }
}

/** Where nothing can be written, everything is looked for again the next time. */
function mark() {
  try {
    writeFileSync(MARKER, hash);
  } catch {}
}

/** Waits until nobody else installs. Returns the file of the lock that is this process's. */
async function enter() {
  const own = `${LOCK}/${process.pid}`;
  const prepared = `${LOCK}-${process.pid}`;
  for (let isTold = false; ; await delay(200)) {
    if (isMarked()) return own;
    const [pid] = existsSync(LOCK) ? list(LOCK) : [];
    try {
      if (pid === undefined) {
        // The folder comes with its file, at once. It does not take the place of one that has a file.
        mkdirSync(prepared, { recursive: true });
        writeFileSync(`${prepared}/${process.pid}`, '');
        renameSync(prepared, LOCK);
        return own;
      }
      if (!isAlive(pid)) return handOver(`${LOCK}/${pid}`, process.pid);
    } catch (error) {
      rmSync(prepared, { recursive: true, force: true });
      // Whole, and nobody can write here: there is nothing to be done.
      if (['EROFS', 'EACCES', 'EPERM'].includes(error.code) && isWhole()) return own;
      if (['EROFS', 'EACCES'].includes(error.code)) throw error;
      continue; // Somebody else was faster.
    }
    if (!isTold) console.error(`Waiting for the installation that process ${pid} has under way …`);
    isTold = true;
  }
}

function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isAlive(pid) {
  try {
    if (Date.now() - statSync(`${LOCK}/${pid}`).mtimeMs > LOCK_MS_MAX) return false;
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The lock is that process's from now on. Of several that take over a lock, one succeeds. */
function handOver(holder, pid) {
  const next = `${LOCK}/${pid}`;
  const now = new Date();
  utimesSync(holder, now, now);
  renameSync(holder, next);
  return next;
}

function leave(holder) {
  try {
    unlinkSync(holder);
    rmdirSync(LOCK);
  } catch {}
}
