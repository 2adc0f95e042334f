/**
 * Evaluation: a plan × the facts of customers × a moment → their exceptions. A full pass, a tick, a
 * preview and a look into the past are this one function over different customers and moments. Nothing
 * is allocated per customer, and nothing is touched that the customer's facts do not lead to.
 */
import type { Plan } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import { EventWalker } from './event-walker.ts';
import { OrderTallies } from './order-tallies.ts';
import { OrderWalker } from './order-walker.ts';
import { PairOrders } from './pair-orders.ts';
import { type PluginAccumulators, PluginWalker } from './plugin-walker.ts';
import { Scratch } from './scratch.ts';
import { TallyBook } from './tally-book.ts';
import { TraitWalker } from './trait-walker.ts';
import { NO_CUSTOMER, type Walker } from './walker.ts';

/**
 * Receives a customer's exceptions: ascending segment numbers, valid during the call only. Called for
 * every customer of a batch that has facts, also with none.
 */
export type OnCustomer = (customerNo: number, exceptions: Uint32Array, count: number) => void;

/** Evaluates a plan at one moment, batch after batch. One per thread. */
export class Evaluator {
  readonly #plan: Plan;
  readonly #scratch: Scratch;
  readonly #tallies: TallyBook;
  readonly #walkers: readonly Walker[];
  /** By place: customers evaluated so far whose membership is not the default. */
  readonly exceptionCounts: Uint32Array;

  /** @param accumulators - Of the sources of plug-ins that the plan has conditions on. */
  constructor(plan: Plan, moment: number, accumulators: PluginAccumulators = new Map()) {
    this.#plan = plan;
    this.#scratch = new Scratch(plan);
    this.#tallies = new TallyBook(plan.tallies, plan.zones, moment);
    const pair = new PairOrders(plan.zones);
    const orderTallies = new OrderTallies(plan.orders, plan.tallies, this.#tallies, pair);
    this.#walkers = [
      new OrderWalker(plan.orders, { scratch: this.#scratch, pair, tallies: orderTallies }, moment),
      new TraitWalker(plan.traits, this.#scratch, moment),
      new EventWalker(plan.events, this.#tallies, moment),
      ...(plan.plugins.length === 0
        ? []
        : [new PluginWalker(plan.plugins, this.#scratch, moment, accumulators)]),
    ];
    this.exceptionCounts = new Uint32Array(plan.segmentNos.length);
  }

  /** Evaluates the customers of a batch, ascending. */
  evaluate(batch: FactBatch, onCustomer: OnCustomer): void {
    const scratch = this.#scratch;
    const walkers = this.#walkers;
    for (const walker of walkers) walker.begin(batch);
    for (let customer = nextCustomer(walkers); customer !== NO_CUSTOMER; customer = nextCustomer(walkers)) {
      scratch.nextCustomer();
      for (const walker of walkers) if (walker.customerNo === customer) walker.walk();
      this.#tallies.decide(scratch);
      scratch.runPrograms();
      onCustomer(customer, scratch.exceptions, collectExceptions(this.#plan, scratch, this.exceptionCounts));
    }
  }
}

/** The lowest number of a customer whose facts come next; `NO_CUSTOMER` when all have been walked. */
function nextCustomer(walkers: readonly Walker[]): number {
  let customer = NO_CUSTOMER;
  for (const walker of walkers) if (walker.customerNo < customer) customer = walker.customerNo;
  return customer;
}

/** Reads the bits back in ascending order, clears them, and counts. Returns how many there were. */
function collectExceptions(plan: Plan, scratch: Scratch, counts: Uint32Array): number {
  const { raised, suppressed, touchedWord, exceptions } = scratch;
  const { segmentNos, isDense } = plan;
  let found = 0;
  for (let top = 0; top < touchedWord.length; top++) {
    let words = touchedWord[top]!;
    if (words === 0) continue;
    touchedWord[top] = 0;
    while (words !== 0) {
      const word = (top << 5) + 31 - Math.clz32(words & -words);
      words &= words - 1;
      let bits = raised[word]! & ~suppressed[word]!;
      raised[word] = 0;
      suppressed[word] = 0;
      while (bits !== 0) {
        const place = (word << 5) + 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        exceptions[found++] = place;
      }
    }
  }
  for (let i = 0; i < found; i++) counts[exceptions[i]!]!++;
  if (!isDense) for (let i = 0; i < found; i++) exceptions[i] = segmentNos[exceptions[i]!]!;
  return found;
}
