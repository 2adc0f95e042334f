/** Walks one customer's traits, scores and entries of lists, and acts on the conditions that they make true. */
import type { TraitIndex } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import type { Scratch } from './scratch.ts';
import { endOfCustomer, NO_CUSTOMER, type Walker } from './walker.ts';

export class TraitWalker implements Walker {
  customerNo = NO_CUSTOMER;
  readonly #index: TraitIndex;
  readonly #scratch: Scratch;
  readonly #moment: number;
  #batch: FactBatch | undefined;
  #next = 0;

  /** @param moment - Seconds since 1970; ages and ends of validity are reckoned from here. */
  constructor(index: TraitIndex, scratch: Scratch, moment: number) {
    this.#index = index;
    this.#scratch = scratch;
    this.#moment = moment;
  }

  begin(batch: FactBatch): void {
    this.#batch = batch;
    this.#next = 0;
    this.#seek(batch);
  }

  walk(): void {
    const batch = this.#batch!;
    const names = batch.traitNameNo!;
    const moments = batch.traitMoment!;
    const { nameLimit, expires } = this.#index;
    const to = endOfCustomer(batch.traitCustomerNo!, this.#next, batch.traitCount, this.customerNo);
    for (let i = this.#next; i < to; i++) {
      const name = names[i]!;
      if (name >= nameLimit) continue;
      // A score past its validity is as if absent.
      if (expires[name] === 1 && this.#moment >= moments[i]!) continue;
      this.#actOn(name, batch.traitValueNo![i]!, batch.traitNumber![i]!, moments[i]!);
    }
    this.#next = to;
    this.#seek(batch);
  }

  #seek({ traitCount, traitCustomerNo }: FactBatch): void {
    this.customerNo = this.#next < traitCount ? traitCustomerNo![this.#next]! : NO_CUSTOMER;
  }

  /** Neither NaN passes a range: not that of a number, not that of a moment. */
  #actOn(name: number, valueNo: number, number: number, moment: number): void {
    const index = this.#index;
    const scratch = this.#scratch;
    const exists = index.existsStart[name + 1]!;
    for (let k = index.existsStart[name]!; k < exists; k++) scratch.act(index.existsAction[k]!);
    if (valueNo < index.valueLimit[name]!) {
      const slot = index.valueBase[name]! + valueNo;
      const end = index.valueStart[slot + 1]!;
      for (let k = index.valueStart[slot]!; k < end; k++) scratch.act(index.valueAction[k]!);
    }
    const ranges = index.rangeStart[name + 1]!;
    for (let k = index.rangeStart[name]!; k < ranges; k++) {
      if (number >= index.rangeLow[k]! && number <= index.rangeHigh[k]!) scratch.act(index.rangeAction[k]!);
    }
    const age = this.#moment - moment;
    const ages = index.ageStart[name + 1]!;
    for (let k = index.ageStart[name]!; k < ages; k++) {
      if (age >= index.ageLow[k]! && age <= index.ageHigh[k]!) scratch.act(index.ageAction[k]!);
    }
  }
}
