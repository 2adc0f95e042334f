/**
 * What one evaluating thread writes to while it goes through customers: dense accumulators, allocated
 * once for a plan. Nothing is cleared between customers: an entry counts only if it carries the current
 * customer's epoch. What is read together lies together, since the time goes into cache misses.
 */
import { ACTION, ACTION_BITS, type Plan } from '../compile/plan.ts';
import { runProgram } from '../compile/program.ts';

/** A segment's state holds the epoch above the 6 bits of its mask; a counter's above 16 bits of orders. */
const MASK_BITS = 6;
const MASK = (1 << MASK_BITS) - 1;
const COUNT_BITS = 16;
const COUNT_MAX = (1 << COUNT_BITS) - 1;
const EPOCH_MAX = 2 ** (32 - MASK_BITS) - 1;
const COUNT_EPOCH_MAX = 2 ** (32 - COUNT_BITS) - 1;
const KIND = (1 << ACTION_BITS) - 1;

export class Scratch {
  readonly #plan: Plan;
  /** The current customer; entries of other epochs are as if absent. From 1. */
  epoch = 0;
  /**
   * Sets of bits by place: exceptions, those that are none whatever raises them, and one bit for each
   * word that may have any of either. All 0 between customers.
   */
  readonly raised: Uint32Array;
  readonly suppressed: Uint32Array;
  readonly touchedWord: Uint32Array;
  /** The exceptions of the customer, as ascending segment numbers. */
  readonly exceptions: Uint32Array;

  /** By place, pairs: epoch and mask of the conditions that hold; low word of the exception table. */
  readonly #segment: Uint32Array;
  /** By shared condition, pairs: epoch of the last customer for whom it holds; what follows from it. */
  readonly #shared: Uint32Array;
  /** Programs to run, each once. */
  readonly #programEpoch: Uint32Array;
  readonly #programs: Uint32Array;
  readonly #programFrom: Uint32Array;
  #programCount = 0;
  /** Takes what is read ahead, so that it is read. */
  readonly #seen = new Uint32Array(1);

  /** By counter: an epoch of its own and the orders counted, at most 65,535. */
  readonly #counter: Uint32Array;
  #countEpoch = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    const segments = plan.segmentNos.length;
    this.raised = new Uint32Array((segments + 31) >>> 5);
    this.suppressed = new Uint32Array(this.raised.length);
    this.touchedWord = new Uint32Array((this.raised.length + 31) >>> 5);
    this.exceptions = new Uint32Array(segments);
    this.#segment = new Uint32Array(segments * 2);
    for (let place = 0; place < segments; place++) this.#segment[place * 2 + 1] = plan.exceptionLow[place]!;
    this.#shared = new Uint32Array(plan.sharedAction.length * 2);
    for (const [i, action] of plan.sharedAction.entries()) this.#shared[i * 2 + 1] = action;
    const programs = plan.programStart.length - 1;
    this.#programEpoch = new Uint32Array(programs);
    this.#programs = new Uint32Array(programs);
    this.#programFrom = new Uint32Array(programs);
    this.#counter = new Uint32Array(plan.orders.counterAction.length);
  }

  /** Forgets the last customer; clears what carries epochs only when they run out. */
  nextCustomer(): void {
    this.#programCount = 0;
    if (this.epoch === EPOCH_MAX) this.#forgetEpochs();
    this.epoch++;
    if (this.#countEpoch === COUNT_EPOCH_MAX) {
      this.#counter.fill(0);
      this.#countEpoch = 0;
    }
    this.#countEpoch++;
  }

  /** Does what follows from a condition that holds; see `ACTION`. Doing it again changes nothing. */
  act(action: number): void {
    const operand = action >>> ACTION_BITS;
    switch (action & KIND) {
      case ACTION.raise:
        this.#raise(operand);
        return;
      case ACTION.suppress:
        this.suppressed[operand >>> 5]! |= 1 << (operand & 31);
        this.touchedWord[operand >>> 10]! |= 1 << ((operand >>> 5) & 31);
        return;
      case ACTION.mark:
        this.#mark(operand >>> 3, 1 << (operand & 7));
        return;
      case ACTION.share:
        if (this.#shared[operand * 2] === this.epoch) return;
        this.#shared[operand * 2] = this.epoch;
        this.act(this.#shared[operand * 2 + 1]!);
        return;
      case ACTION.run:
        if (this.#programEpoch[operand] === this.epoch) return;
        this.#programEpoch[operand] = this.epoch;
        this.#programs[this.#programCount++] = operand;
        return;
      case ACTION.runAlone:
        // A shared condition is acted on once for a customer.
        this.#programs[this.#programCount++] = operand;
        return;
      case ACTION.list:
        this.actAll(
          this.#plan.listAction,
          this.#plan.listStart[operand]!,
          this.#plan.listStart[operand + 1]!,
        );
        return;
      default:
      // Nothing follows.
    }
  }

  /** Adds orders to a counter, and acts when it reaches its threshold (at most 65,535). */
  count(counter: number, orders: number, threshold: number): void {
    const state = this.#counter[counter]!;
    const before = state >>> COUNT_BITS === this.#countEpoch ? state & COUNT_MAX : 0;
    if (before >= threshold) return;
    const after = Math.min(before + orders, COUNT_MAX);
    this.#counter[counter] = (this.#countEpoch << COUNT_BITS) | after;
    if (after >= threshold) this.act(this.#plan.orders.counterAction[counter]!);
  }

  /** Acts on the words [from, to) of a list. */
  actAll(list: Uint32Array, from: number, to: number): void {
    this.#foresee(list, from, to);
    for (let i = from; i < to; i++) this.act(list[i]!);
  }

  /**
   * Reads what actions on shared conditions will look at, so that the cache misses overlap: what follows from
   * one condition would else wait for it.
   */
  #foresee(list: Uint32Array, from: number, to: number): void {
    const shared = this.#shared;
    let seen = 0;
    for (let i = from; i < to; i++) {
      const action = list[i]!;
      if ((action & KIND) === ACTION.share) seen |= shared[(action >>> ACTION_BITS) * 2]!;
    }
    this.#seen[0] = seen;
  }

  /** Runs the programs that something led to; after the last fact of a customer. */
  runPrograms(): void {
    const count = this.#programCount;
    const { program, programStart } = this.#plan;
    const programs = this.#programs;
    const from = this.#programFrom;
    // All of them are fetched before any is run, as in `#foresee`.
    for (let i = 0; i < count; i++) from[i] = programStart[programs[i]!]!;
    let seen = 0;
    for (let i = 0; i < count; i++) seen |= program[from[i]!]!;
    this.#seen[0] = seen;
    for (let i = 0; i < count; i++) {
      const at = from[i]!;
      const to = programStart[programs[i]! + 1]!;
      if (runProgram(program, at + 1, to, this.#shared, this.epoch)) this.#raise(program[at]!);
    }
  }

  #raise(place: number): void {
    this.raised[place >>> 5]! |= 1 << (place & 31);
    this.touchedWord[place >>> 10]! |= 1 << ((place >>> 5) & 31);
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
    if ((table >>> (mask & 31)) & 1) this.#raise(place);
    else this.raised[place >>> 5]! &= ~(1 << (place & 31));
  }

  #forgetEpochs(): void {
    this.epoch = 0;
    for (let slot = 0; slot < this.#segment.length; slot += 2) this.#segment[slot] = 0;
    for (let slot = 0; slot < this.#shared.length; slot += 2) this.#shared[slot] = 0;
    this.#programEpoch.fill(0);
  }
}
