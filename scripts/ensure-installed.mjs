// Installs the locked dependencies when they are missing or older than the lock file, so that
// `npm start` and `npm test` work on a bare clone. Uses nothing outside Node itself.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Coterie needs Node 20.19 or newer; this is ${process.versions.node}. Install a newer Node and try again.`,
  );
  process.exit(1);
}

/** The part of a lock file that decides whether what is installed matches: name → version. */
function lockedVersions(path) {
  const packages = JSON.parse(readFileSync(path, 'utf8')).packages;
  return Object.entries(packages)
    .filter(([folder, entry]) => folder !== '' && !entry.optional)
    .map(([folder, entry]) => `${folder}@${entry.version}`)
    .sort()
    .join('\n');
}

const installed = 'node_modules/.package-lock.json';
if (!existsSync(installed) || lockedVersions(installed) !== lockedVersions('package-lock.json')) {
  console.error('Installing dependencies (npm ci) …');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(
      'npm ci failed: see the lines above; check the connection to the package registry and try again.',
    );
    process.exit(result.status ?? 1);
  }
}
