/**
 * What one evaluating thread writes to while it goes through customers: dense accumulators, allocated
 * once for a plan. Nothing is cleared between customers: an entry counts only if it carries the current
 * customer's epoch. What is read together lies together, since the time goes into cache misses.
 */
import { ACTION, type Plan } from '../compile/plan.ts';
import { runProgram } from '../compile/program.ts';

/** A segment's state holds the epoch above the 6 bits of its mask. */
const MASK_BITS = 6;
const MASK = (1 << MASK_BITS) - 1;
const EPOCH_MAX = 2 ** (32 - MASK_BITS) - 1;

export class Scratch {
  readonly #plan: Plan;
  /** The current customer; entries of other epochs are as if absent. From 1. */
  epoch = 0;
  /** By place, pairs: epoch and mask of the conditions that hold; low word of the exception table. */
  readonly #segment: Uint32Array;
  /** Shared condition i holds if its epoch is the current one. */
  readonly #sharedEpoch: Uint32Array;
  readonly #largeEpoch: Uint32Array;
  readonly #large: Uint32Array;
  #largeCount = 0;
  readonly #stack: Uint8Array;
  /** Exceptions as a set of bits by place, and one bit for each word that may have any. 0 in between. */
  readonly exceptionBit: Uint32Array;
  readonly exceptionWord: Uint32Array;
  /** The exceptions of the customer, as ascending segment numbers. */
  readonly exceptions: Uint32Array;

  /** By counter, fours: epoch, orders, threshold, action. */
  readonly counter: Uint32Array;
  readonly tallyEpoch: Uint32Array;
  readonly tallyCount: Float64Array;
  readonly tallySumE4: Float64Array;
  readonly tallyMinimumE4: Float64Array;
  readonly tallyMaximumE4: Float64Array;
  readonly touchedTally: Uint32Array;
  touchedTallies = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    const segments = plan.segmentNos.length;
    this.#segment = new Uint32Array(segments * 2);
    for (let place = 0; place < segments; place++) this.#segment[place * 2 + 1] = plan.exceptionLow[place]!;
    this.#sharedEpoch = new Uint32Array(plan.sharedStart.length - 1);
    const large = plan.program.length > 0 ? segments : 0;
    this.#largeEpoch = new Uint32Array(large);
    this.#large = new Uint32Array(large);
    this.#stack = new Uint8Array(plan.program.length + 1);
    this.exceptionBit = new Uint32Array((segments + 31) >>> 5);
    this.exceptionWord = new Uint32Array((this.exceptionBit.length + 31) >>> 5);
    this.exceptions = new Uint32Array(segments);
    const { counterThreshold, counterAction } = plan.orders;
    this.counter = new Uint32Array(counterAction.length * 4);
    for (let i = 0; i < counterAction.length; i++) {
      this.counter[i * 4 + 2] = counterThreshold[i]!;
      this.counter[i * 4 + 3] = counterAction[i]!;
    }
    const tallies = plan.orders.tallyCurrency.length;
    this.tallyEpoch = new Uint32Array(tallies);
    this.tallyCount = new Float64Array(tallies);
    this.tallySumE4 = new Float64Array(tallies);
    this.tallyMinimumE4 = new Float64Array(tallies);
    this.tallyMaximumE4 = new Float64Array(tallies);
    this.touchedTally = new Uint32Array(tallies);
  }

  /** Forgets the last customer, in constant time but for one in 67 million. */
  nextCustomer(): void {
    this.touchedTallies = 0;
    this.#largeCount = 0;
    if (this.epoch === EPOCH_MAX) this.#forgetEpochs();
    this.epoch++;
  }

  /** Does what follows from a condition that holds; see `ACTION`. Doing it again changes nothing. */
  act(action: number): void {
    const operand = action >>> 2;
    switch (action & 3) {
      case ACTION.decide:
        this.#except(operand);
        return;
      case ACTION.mark:
        this.#mark(operand >>> 3, 1 << (operand & 7));
        return;
      case ACTION.share:
        this.#share(operand);
        return;
      default:
        if (this.#largeEpoch[operand] === this.epoch) return;
        this.#largeEpoch[operand] = this.epoch;
        this.#large[this.#largeCount++] = operand;
    }
  }

  /** Runs the programs of the large segments that were touched; after the last fact of a customer. */
  decideLarge(): void {
    const { program, programStart, defaults } = this.#plan;
    for (let i = 0; i < this.#largeCount; i++) {
      const place = this.#large[i]!;
      const from = programStart[place]!;
      const to = programStart[place + 1]!;
      const isMember = runProgram(program, from, to, this.#sharedEpoch, this.epoch, this.#stack);
      if (isMember !== (defaults[place] === 1)) this.#except(place);
    }
  }

  #except(place: number): void {
    this.exceptionBit[place >>> 5]! |= 1 << (place & 31);
    this.exceptionWord[place >>> 10]! |= 1 << ((place >>> 5) & 31);
  }

  /** Adds a condition to a segment's mask, and looks its table up again. */
  #mark(place: number, bit: number): void {
    const slot = place * 2;
    const state = this.#segment[slot]!;
    const before = state >>> MASK_BITS === this.epoch ? state & MASK : 0;
    const mask = before | bit;
    if (mask === before) return;
    this.#segment[slot] = (this.epoch << MASK_BITS) | mask;
    const table = mask < 32 ? this.#segment[slot + 1]! : this.#plan.exceptionHigh[place]!;
    if ((table >>> (mask & 31)) & 1) this.#except(place);
    else this.exceptionBit[place >>> 5]! &= ~(1 << (place & 31));
  }

  #share(shared: number): void {
    if (this.#sharedEpoch[shared] === this.epoch) return;
    this.#sharedEpoch[shared] = this.epoch;
    const { sharedStart, sharedAction } = this.#plan;
    const end = sharedStart[shared + 1]!;
    for (let i = sharedStart[shared]!; i < end; i++) this.act(sharedAction[i]!);
  }

  #forgetEpochs(): void {
    this.epoch = 0;
    for (let slot = 0; slot < this.#segment.length; slot += 2) this.#segment[slot] = 0;
    for (let slot = 0; slot < this.counter.length; slot += 4) this.counter[slot] = 0;
    this.#sharedEpoch.fill(0);
    this.#largeEpoch.fill(0);
    this.tallyEpoch.fill(0);
  }
}
