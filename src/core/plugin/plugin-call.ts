/** Calls into plug-ins: what they throw leaves in the words of the catalogue, with who and where. */
import { CoterieError } from '../../model/error.ts';

/**
 * Calls a function of a plug-in.
 *
 * @param where - What is called, such as `source points: normalize`.
 * @throws {CoterieError} `PLUGIN_FAILED` for whatever it throws.
 */
export function callPlugin<T>(where: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw pluginFailed(where, error instanceof Error ? error.message : String(error), error);
  }
}

/** A plug-in broke its promise. */
export function pluginFailed(where: string, why: string, cause?: unknown): CoterieError {
  return new CoterieError(
    'PLUGIN_FAILED',
    `${where}: ${why}`,
    { where },
    cause === undefined ? {} : { cause },
  );
}
