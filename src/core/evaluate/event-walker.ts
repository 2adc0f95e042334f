/**
 * Walks one customer's events and adds those that pass a filter to its tallies. Events come by name, then
 * time; each filter is tested once an event, however many windows look through it.
 */

import { type EventIndex, TEST } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import { FIRST_VALUE_NO } from '../engine/fact-batch.ts';
import type { TallyBook } from './tally-book.ts';
import { endOfCustomer, NO_CUSTOMER, type Walker } from './walker.ts';

type Events = NonNullable<FactBatch['events']>;

export class EventWalker implements Walker {
  customerNo = NO_CUSTOMER;
  readonly #index: EventIndex;
  readonly #book: TallyBook;
  readonly #moment: number;
  /** For each window of the plan the time after which events are in it; seconds. */
  readonly #cutoff: Float64Array;
  #events: Events | undefined;
  #next = 0;

  /** @param moment - Seconds since 1970; later events do not count yet. */
  constructor(index: EventIndex, book: TallyBook, moment: number) {
    this.#index = index;
    this.#book = book;
    this.#moment = moment;
    this.#cutoff = index.windowS.map((window) => moment - window);
  }

  begin(batch: FactBatch): void {
    this.#events = batch.events;
    this.#next = 0;
    this.#seek();
  }

  walk(): void {
    const events = this.#events!;
    const { nameNo, occurredAt } = events;
    const to = endOfCustomer(events.customerNo, this.#next, events.count, this.customerNo);
    for (let first = this.#next; first < to; ) {
      const name = nameNo[first]!;
      let next = first + 1;
      while (next < to && nameNo[next] === name) next++;
      if (name < this.#index.nameLimit) {
        const after = this.#cutoff[this.#index.nameWindow[name]!]!;
        let start = next;
        while (start > first && occurredAt[start - 1]! > after) start--;
        // Ascending, as what is kept of them is sorted.
        for (let i = start; i < next && occurredAt[i]! <= this.#moment; i++) this.#walkEvent(events, name, i);
      }
      first = next;
    }
    this.#next = to;
    this.#seek();
  }

  #seek(): void {
    const events = this.#events;
    this.customerNo =
      events !== undefined && this.#next < events.count ? events.customerNo[this.#next]! : NO_CUSTOMER;
  }

  #walkEvent(events: Events, name: number, i: number): void {
    const { branchStart, branchProperty, branchBase, branchValues, filterStart, filter } = this.#index;
    const end = branchStart[name + 1]!;
    for (let branch = branchStart[name]!; branch < end; branch++) {
      const property = branchProperty[branch]!;
      // Numbers below the first are of values that no test names.
      const value = property < 0 ? 0 : events.properties[property]!.valueNo[i]! - FIRST_VALUE_NO;
      if (value < 0 || value >= branchValues[branch]!) continue;
      const slot = branchBase[branch]! + value;
      const to = filterStart[slot + 1]!;
      for (let k = filterStart[slot]!; k < to; k++) {
        if (this.#passes(filter[k]!, events, i)) this.#add(filter[k]!, events.occurredAt[i]!);
      }
    }
  }

  #passes(filter: number, events: Events, i: number): boolean {
    const { testStart, testKind, testProperty, testLow, testHigh } = this.#index;
    const end = testStart[filter + 1]!;
    for (let test = testStart[filter]!; test < end; test++) {
      const { valueNo, number } = events.properties[testProperty[test]!]!;
      switch (testKind[test]) {
        case TEST.exists:
          if (valueNo[i] === 0) return false;
          break;
        case TEST.in:
          if (!this.#hasValue(test, valueNo[i]!)) return false;
          break;
        default:
          // NaN, which is no number, fails too.
          if (!(number[i]! >= testLow[test]! && number[i]! <= testHigh[test]!)) return false;
      }
    }
    return true;
  }

  #hasValue(test: number, valueNo: number): boolean {
    const { testValueStart, testValue } = this.#index;
    const end = testValueStart[test + 1]!;
    for (let k = testValueStart[test]!; k < end; k++) if (testValue[k] === valueNo) return true;
    return false;
  }

  #add(filter: number, at: number): void {
    const { tallyStart, tallyWindow, tally } = this.#index;
    const end = tallyStart[filter + 1]!;
    for (let k = tallyStart[filter]!; k < end; k++) {
      if (at <= this.#cutoff[tallyWindow[k]!]!) return;
      this.#book.addEvent(tally[k]!, at);
    }
  }
}
