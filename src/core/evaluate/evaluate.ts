/**
 * Evaluation: a plan × the facts of customers × a moment → their exceptions. A full pass, a tick, a
 * preview and a look into the past are this one function over different customers and moments. Nothing
 * is allocated per customer, and nothing is touched that the customer's facts do not lead to.
 */
import type { Plan } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import { OrderWalker } from './order-walker.ts';
import { Scratch } from './scratch.ts';
import { walkTraits } from './walk-traits.ts';

/**
 * Receives a customer's exceptions: ascending segment numbers, valid during the call only. Called for
 * every customer of a batch that has facts, also with none.
 */
export type OnCustomer = (customerNo: number, exceptions: Uint32Array, count: number) => void;

/** Evaluates a plan at one moment, batch after batch. One per thread. */
export class Evaluator {
  readonly #plan: Plan;
  readonly #scratch: Scratch;
  readonly #orders: OrderWalker;
  /** By place: customers evaluated so far whose membership is not the default. */
  readonly exceptionCounts: Uint32Array;

  constructor(plan: Plan, moment: number) {
    this.#plan = plan;
    this.#scratch = new Scratch(plan);
    this.#orders = new OrderWalker(plan.orders, this.#scratch, moment);
    this.exceptionCounts = new Uint32Array(plan.segmentNos.length);
  }

  /** Evaluates the customers of a batch, ascending. */
  evaluate(batch: FactBatch, onCustomer: OnCustomer): void {
    const scratch = this.#scratch;
    const { customerNo, orderCount, traitCount, traitCustomerNo } = batch;
    let order = 0;
    let trait = 0;
    while (order < orderCount || trait < traitCount) {
      const orderCustomer = order < orderCount ? customerNo[order]! : Number.POSITIVE_INFINITY;
      const traitCustomer = trait < traitCount ? traitCustomerNo![trait]! : Number.POSITIVE_INFINITY;
      const customer = Math.min(orderCustomer, traitCustomer);
      scratch.nextCustomer();
      if (orderCustomer === customer) {
        const from = order;
        while (order < orderCount && customerNo[order] === customer) order++;
        this.#orders.walk(batch, from, order);
      }
      if (traitCustomer === customer) {
        const from = trait;
        while (trait < traitCount && traitCustomerNo![trait] === customer) trait++;
        walkTraits(this.#plan.traits, batch, from, trait, scratch);
      }
      scratch.decideLarge();
      onCustomer(customer, scratch.exceptions, collectExceptions(this.#plan, scratch, this.exceptionCounts));
    }
  }
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
        counts[place]!++;
        exceptions[found++] = place;
      }
    }
  }
  if (!isDense) for (let i = 0; i < found; i++) exceptions[i] = segmentNos[exceptions[i]!]!;
  return found;
}
