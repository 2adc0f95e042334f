/** Opens the port of a server, with failures told in words. */
import { createServer } from 'node:net';
import { CoterieError } from '../model/error.ts';

interface Listener {
  listen(at: { readonly host: string; readonly port: number }): Promise<string>;
  readonly server: { address(): { readonly port: number } | string | null };
}

/**
 * Listens, and says where.
 *
 * @returns The address at which this machine reaches the server.
 * @throws {CoterieError} `PORT_IN_USE`, or `CONFIG_INVALID` for a port or an address that is not ours to take.
 */
export async function listen(
  listener: Listener,
  at: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    await listener.listen(at);
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, at);
  }
  const address = listener.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : at.port;
  return `http://${reachableHost(at.host)}:${port}`;
}

/**
 * Whether a port can be taken now: for long work before a server listens, which would be in vain.
 *
 * @throws {CoterieError} As {@link listen}.
 */
export async function checkPort(at: { readonly host: string; readonly port: number }): Promise<void> {
  const server = createServer();
  const taken = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, resolve);
  });
  try {
    await taken;
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, at);
  }
  await new Promise((closed) => server.close(closed));
}

/** An address that means "every interface" is reached at the loopback one. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function listenError(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): unknown {
  const details = { host, port };
  const cause = { cause: error };
  switch (error.code) {
    case 'EADDRINUSE':
      return new CoterieError('PORT_IN_USE', `port ${port} of ${host} is in use`, details, cause);
    case 'EACCES':
      return new CoterieError(
        'CONFIG_INVALID',
        `--port: this user may not listen on ${port}; expected a port of 1024 or above, or the right to take it`,
        { option: 'port', ...details },
        cause,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CoterieError(
        'CONFIG_INVALID',
        `--host: expected an address of this machine, found "${host}"`,
        { option: 'host', ...details },
        cause,
      );
    default:
      return error;
  }
}
