/** Waiting for what comes about by itself, without a guess at how long it takes. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

const WAIT_MS_MAX = 60_000;
const LOOK_PERIOD_MS = 10;

/**
 * Asks again and again until the answer will do; without `isEnough` until it is true. After a minute it
 * fails, with what was waited for and the last answer.
 *
 * @returns The answer.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  isEnough: (found: T) => boolean = Boolean,
): Promise<T> {
  const last = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const found = await ask();
    if (isEnough(found)) return found;
    assert.ok(performance.now() < last, `waited in vain: ${what}; the last answer: ${JSON.stringify(found)}`);
    await delay(LOOK_PERIOD_MS);
  }
}
