/**
 * Long work on the thread that also answers requests, done in short turns: between them the event loop
 * gets to what waits.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Long enough that giving way costs nothing, short enough that a check does not wait for long. */
const TURN_MS = 8;

export class Turns {
  #since = performance.now();

  /** Whether the turn has lasted long enough; asked often, so it is cheap. */
  isOver(): boolean {
    return performance.now() - this.#since > TURN_MS;
  }

  /** Lets the event loop go on, and starts the next turn. */
  async next(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}
