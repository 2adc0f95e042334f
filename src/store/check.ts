/**
 * Answers about customers, as pure functions over a view: membership = default XOR exception. They work
 * at once where the driver is local, and give a promise where it is not. Paused segments hold nobody;
 * segments that the directory does not have, archived ones among them, are unknown.
 */

import type { SegmentEntry } from '../model/membership.ts';
import { findInRow } from '../model/row.ts';
import type { SegmentDirectory, StoreView } from './store.ts';

export interface CheckAnswer {
  /** Key → whether the customer is in it. Has no prototype, so that no key can collide with one. */
  readonly memberships: Readonly<Record<string, boolean>>;
  /** Keys that no segment has, each once, in the order asked. */
  readonly unknown: readonly string[];
}

/**
 * Which of these segments a customer is in.
 *
 * @param customerId - Of 1 to 512 bytes; a customer never heard of has every segment's default.
 * @param keys - Any number, in any order; doubles are answered once.
 */
export function check(
  view: StoreView,
  customerId: string,
  keys: readonly string[],
): CheckAnswer | Promise<CheckAnswer> {
  const question = new Question(view.directory, keys);
  const row = view.row(customerId);
  return row instanceof Promise ? row.then((arrived) => question.answer(arrived)) : question.answer(row);
}

/**
 * `check` for several customers; the segments are looked up once.
 *
 * @returns One answer per customer, in their order.
 */
export function checkBatch(
  view: StoreView,
  customerIds: readonly string[],
  keys: readonly string[],
): CheckAnswer[] | Promise<CheckAnswer[]> {
  const question = new Question(view.directory, keys);
  const answers: (CheckAnswer | Promise<CheckAnswer>)[] = [];
  let waits = false;
  for (const customerId of customerIds) {
    const row = view.row(customerId);
    waits ||= row instanceof Promise;
    answers.push(
      row instanceof Promise ? row.then((arrived) => question.answer(arrived)) : question.answer(row),
    );
  }
  return waits ? Promise.all(answers) : (answers as CheckAnswer[]);
}

/** The segments asked for, found once: then each customer costs one walk over the bytes of the row. */
class Question {
  /** Active segments, ascending by number: only these can have exceptions that matter. */
  readonly #active: readonly SegmentEntry[];
  readonly #wanted: Uint32Array;
  readonly #found: Uint8Array;
  /** In the order asked. */
  readonly #known: readonly SegmentEntry[];
  readonly #unknown: readonly string[];

  constructor(directory: SegmentDirectory, keys: readonly string[]) {
    const known: SegmentEntry[] = [];
    let unknown: Set<string> | undefined;
    const active: SegmentEntry[] = [];
    for (const key of keys) {
      const entry = directory.byKey.get(key);
      if (entry === undefined) {
        unknown ??= new Set();
        unknown.add(key);
        continue;
      }
      known.push(entry);
      if (entry.status === 'active') active.push(entry);
    }
    this.#active = active.sort((a, b) => a.segmentNo - b.segmentNo);
    this.#wanted = new Uint32Array(active.length);
    for (let i = 0; i < active.length; i++) this.#wanted[i] = active[i]!.segmentNo;
    this.#found = new Uint8Array(active.length);
    this.#known = known;
    this.#unknown = unknown ? [...unknown] : [];
  }

  answer(row: Uint8Array | undefined): CheckAnswer {
    const memberships: Record<string, boolean> = Object.create(null);
    for (const entry of this.#known)
      memberships[entry.key] = entry.status === 'active' && entry.defaultMember;
    if (row !== undefined) {
      findInRow(row, this.#wanted, this.#found);
      for (let i = 0; i < this.#found.length; i++) {
        const entry = this.#active[i]!;
        if (this.#found[i] === 1) memberships[entry.key] = !entry.defaultMember;
      }
    }
    return { memberships, unknown: this.#unknown };
  }
}
