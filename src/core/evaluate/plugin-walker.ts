/**
 * Hands one customer's occurrences, in the order of their time, to the accumulators of plug-ins, and acts on
 * the conditions that hold. It allocates nothing for a customer; what an accumulator does is the plug-in's.
 */
import { strict as assert } from 'node:assert';
import type { ConditionAccumulator } from '../../model/plugin-source.ts';
import type { PluginView } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import type { Scratch } from './scratch.ts';
import { endOfCustomer, NO_CUSTOMER, type Walker } from './walker.ts';

/** Source → what makes an accumulator for a condition's parameters, at a moment. */
export type PluginAccumulators = ReadonlyMap<
  string,
  (params: unknown, moment: number) => ConditionAccumulator
>;

type Events = NonNullable<FactBatch['events']>;

const NO_PLACE = -1;
const OTHER_VALUE = -1;
const NO_VALUE = -2;

/** A view of the plan with what evaluates its conditions. */
interface Reader {
  readonly view: PluginView;
  /** Number of an event's name → its place; names from here on have none. */
  readonly placeOf: Int32Array;
  /** By property: number of a value, as in a batch → its place among the declared ones. */
  readonly valuePlace: readonly Int32Array[];
  readonly accumulators: readonly ConditionAccumulator[];
  readonly occurrence: {
    name: number;
    occurredAt: number;
    readonly numbers: Float64Array;
    readonly values: Int32Array;
  };
}

export class PluginWalker implements Walker {
  customerNo = NO_CUSTOMER;
  readonly #readers: readonly Reader[];
  readonly #scratch: Scratch;
  readonly #moment: number;
  #events: Events | undefined;
  #next = 0;
  /** Indexes of the occurrences at hand, in order. */
  #found = new Uint32Array(64);

  /** @param moment - Seconds since 1970; later occurrences do not count yet. */
  constructor(
    views: readonly PluginView[],
    scratch: Scratch,
    moment: number,
    accumulators: PluginAccumulators,
  ) {
    this.#scratch = scratch;
    this.#moment = moment;
    this.#readers = views.map((view) => {
      const make = accumulators.get(view.source);
      assert.ok(make, `the source ${view.source} of a plug-in is not loaded in this thread`);
      return readerOf(view, (params) => make(params, moment));
    });
  }

  begin(batch: FactBatch): void {
    this.#events = batch.events;
    this.#next = 0;
    this.#seek();
  }

  walk(): void {
    const events = this.#events!;
    const to = endOfCustomer(events.customerNo, this.#next, events.count, this.customerNo);
    for (const reader of this.#readers) {
      const count = this.#gather(reader.placeOf, events, to);
      if (count > 0) this.#read(reader, events, count);
    }
    this.#next = to;
    this.#seek();
  }

  #seek(): void {
    const events = this.#events;
    this.customerNo =
      events !== undefined && this.#next < events.count ? events.customerNo[this.#next]! : NO_CUSTOMER;
  }

  /** Finds the customer's events of some names up to the moment, and sorts them by time. */
  #gather(placeOf: Int32Array, { nameNo, occurredAt }: Events, to: number): number {
    let count = 0;
    for (let i = this.#next; i < to; i++) {
      const name = nameNo[i]!;
      if (name >= placeOf.length || placeOf[name] === NO_PLACE || occurredAt[i]! > this.#moment) continue;
      if (count === this.#found.length) {
        const grown = new Uint32Array(count * 2);
        grown.set(this.#found);
        this.#found = grown;
      }
      this.#found[count++] = i;
    }
    sortByTime(this.#found, count, occurredAt);
    return count;
  }

  #read(
    { view, placeOf, valuePlace, accumulators, occurrence }: Reader,
    events: Events,
    count: number,
  ): void {
    for (const accumulator of accumulators) accumulator.begin();
    for (let k = 0; k < count; k++) {
      const i = this.#found[k]!;
      occurrence.name = placeOf[events.nameNo[i]!]!;
      occurrence.occurredAt = events.occurredAt[i]!;
      for (let property = 0; property < valuePlace.length; property++) {
        const { valueNo, number } = events.properties[view.properties[property]!.column]!;
        const places = valuePlace[property]!;
        const value = valueNo[i]!;
        occurrence.numbers[property] = number[i]!;
        occurrence.values[property] = value < places.length ? places[value]! : OTHER_VALUE;
      }
      for (const accumulator of accumulators) accumulator.add(occurrence);
    }
    for (let condition = 0; condition < accumulators.length; condition++) {
      if (accumulators[condition]!.holds()) this.#scratch.act(view.action[condition]!);
    }
  }
}

function readerOf(view: PluginView, make: (params: unknown) => ConditionAccumulator): Reader {
  const placeOf = new Int32Array(Math.max(...view.nameNos) + 1).fill(NO_PLACE);
  for (const [i, nameNo] of view.nameNos.entries()) placeOf[nameNo] = view.namePlaces[i]!;
  return {
    view,
    placeOf,
    valuePlace: view.properties.map(({ valueNos }) => {
      const places = new Int32Array(Math.max(0, ...valueNos) + 1).fill(OTHER_VALUE);
      places[0] = NO_VALUE;
      for (const [place, valueNo] of valueNos.entries()) places[valueNo] = place;
      return places;
    }),
    accumulators: view.params.map(make),
    occurrence: {
      name: 0,
      occurredAt: 0,
      numbers: new Float64Array(view.properties.length),
      values: new Int32Array(view.properties.length),
    },
  };
}

/** Events come by name, then time: those of one name are in order already. */
function sortByTime(indexes: Uint32Array, count: number, occurredAt: Uint32Array): void {
  for (let k = 1; k < count; k++) {
    const index = indexes[k]!;
    const time = occurredAt[index]!;
    if (occurredAt[indexes[k - 1]!]! <= time) continue;
    // Runs of several names: what is left is sorted whole, once.
    indexes.subarray(0, count).sort((a, b) => occurredAt[a]! - occurredAt[b]!);
    return;
  }
}
