/** Ends a server within a bound: requests under way finish, or are cut off when the time is over. */
import type { Api } from './context.ts';

/**
 * Stops listening, closes idle connections, and waits for requests under way; each is answered with
 * `Connection: close`. Closes neither the Store nor the Core: the caller does, after this.
 *
 * @returns Whether everything ended by itself.
 */
export async function closeServer(api: Api, limit: { readonly timeoutMs: number }): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  let cutOff = false;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      cutOff = true;
      api.server.closeAllConnections();
      resolve();
    }, limit.timeoutMs);
  });
  const closed = api.close();
  await Promise.race([closed, late]);
  clearTimeout(timer);
  await closed;
  return !cutOff;
}
