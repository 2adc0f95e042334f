// What servers that are started for tests and benchmarks have in common: a free port, an end with the
// process that started them, and a wait until they are ready.
import { rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const ASK_PERIOD_MS = 50;

/** A port of the loopback interface that nothing listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** However this process ends, short of SIGKILL, the server and its folder go with it; call the result to let go. */
export function endWithProcess(server, folder) {
  const kill = () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const leave = () => process.exit(1);
  process.once('exit', kill);
  for (const signal of ENDING_SIGNALS) process.once(signal, leave);
  return () => {
    process.off('exit', kill);
    for (const signal of ENDING_SIGNALS) process.off(signal, leave);
  };
}

/** Waits until a server takes connections. What it writes is shown when it does not. */
export async function listening(server, { name, port, startMsMax }) {
  let log = '';
  let ended;
  const keep = (text) => {
    if (log.length < 10_000) log += text;
  };
  server.stdout?.setEncoding('utf8').on('data', keep);
  server.stderr?.setEncoding('utf8').on('data', keep);
  server.once('error', (error) => {
    ended = error.message;
  });
  server.once('exit', (code) => {
    ended = `it ended with ${code}`;
  });
  const until = performance.now() + startMsMax;
  for (;;) {
    if (ended !== undefined) throw new Error(`${name} did not start: ${ended}\n${log}`);
    if (await accepts(port)) return;
    if (performance.now() > until) throw new Error(`${name} did not start in ${startMsMax / 1000} s\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, ASK_PERIOD_MS));
  }
}

/** Ends a server with a signal and waits until it is gone. */
export async function end(server, signal) {
  const ended = new Promise((resolve) => server.once('exit', resolve));
  if (server.exitCode === null && server.signalCode === null && server.kill(signal)) await ended;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
