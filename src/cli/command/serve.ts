/** `coterie serve`: the HTTP API until told to stop. */
import { once } from 'node:events';
import { defineCommand, type Invocation } from '../command.ts';
import { prepareDataFolder, removeServerNote, writeServerNote } from '../data-folder.ts';
import type { RunningServer } from '../parts.ts';

export const serveCommand = defineCommand({
  name: 'serve',
  summary: 'serve memberships and questions over HTTP',
  description:
    'Serves the API until Ctrl-C or SIGTERM, then lets requests under way end. The API is described at\n' +
    '/docs and /openapi.json; /healthz, /readyz and /metrics are for operations. With --role store the\n' +
    'process reads memberships only: any number of them can read one folder beside the one that calculates.',
  onStop: 'abort',
  examples: [
    { says: 'On this machine', line: 'coterie serve' },
    {
      says: 'To the network, behind a proxy that authenticates',
      line: 'coterie serve --host 0.0.0.0 --port 80',
    },
    { says: 'A second process that serves memberships only', line: 'coterie serve --role store --port 8081' },
    {
      says: 'On any free port, for a script',
      line: 'coterie serve --port 0 --json    # {"url":"http://127.0.0.1:41234","pid":4711}',
    },
  ],
  async run(call) {
    await prepareDataFolder(call.config.data, {
      ifMissing: call.config.role === 'all' ? 'create' : 'refuse',
      version: call.version,
    });
    await serveUntilStopped(call, async (server) => {
      if (call.json) await call.terminal.printJson({ url: server.url, pid: process.pid });
      else
        await call.terminal.print(
          `serving ${call.config.data} at ${server.url} (API: ${server.url}/docs); Ctrl-C stops`,
        );
    });
  },
});

/** Serves, tells that it does, and returns when the call is told to stop and everything is closed. */
export async function serveUntilStopped(
  call: Invocation<unknown>,
  announce: (server: RunningServer) => Promise<void>,
): Promise<void> {
  const { config } = call;
  const server = await call.parts.serve(config);
  try {
    // Only the process that has the engine open is one that others can send work to.
    if (config.role === 'all') await writeServerNote(config.data, { pid: process.pid, url: server.url });
    await announce(server);
    if (!call.signal.aborted) await once(call.signal, 'abort');
    call.terminal.note('stopping: requests under way may end');
  } finally {
    await removeServerNote(config.data);
    await server.close();
  }
}
