/**
 * Which segments use which condition, gathered segment by segment, and from that what happens when a
 * condition holds. Most conditions have one use, and then no list is needed: the action names it.
 */
import { arrange, csrOrder, shareUint32, Uint32List } from './csr.ts';
import type { TruthTable } from './expression.ts';
import { ACTION, ACTION_BITS, type Plan } from './plan.ts';

const SCALE = 1 << ACTION_BITS;

/** Condition → action; undefined for one that no segment's membership depends on. */
export type ActionOf = (condition: number) => number | undefined;

export class Uses {
  readonly #condition = new Uint32List();
  readonly #action = new Uint32List();

  /** Conditions that programs ask for. */
  readonly #asked = new Set<number>();

  /**
   * Uses in a program.
   *
   * @param triggers - Those of the conditions that cause it to be run; of the others it asks when it runs.
   */
  addProgram(conditions: readonly number[], triggers: ReadonlySet<number>, program: number): void {
    const run = triggers.size === 1 ? ACTION.runAlone : ACTION.run;
    for (const condition of conditions) {
      this.#asked.add(condition);
      if (triggers.has(condition)) this.#add(condition, run, program);
    }
  }

  /** @param exceptions - The segment's table: bit k is 1 where mask k differs from the default. */
  addSmall(conditions: readonly number[], place: number, exceptions: TruthTable): void {
    const roles = rolesOf(exceptions, conditions.length);
    conditions.forEach((condition, bit) => {
      if (roles === undefined) this.#add(condition, ACTION.mark, place * 8 + bit);
      else if (roles[bit] !== undefined) this.#add(condition, roles[bit], place);
    });
  }

  /**
   * @param conditions - How many there are.
   * @returns By condition its action, undefined without uses; and what follows from the shared ones.
   */
  resolve(conditions: number): {
    readonly actionOf: ActionOf;
    readonly shared: Pick<Plan, 'sharedAction' | 'listStart' | 'listAction'>;
  } {
    const condition = this.#condition.view();
    const action = this.#action.view();
    const order = csrOrder(condition, conditions);
    const byCondition = arrange(order, action);
    const sharedAction = new Uint32List();
    const listOf = new Uint32List();
    const listAction = new Uint32List();
    const actions: (number | undefined)[] = [];
    let lists = 0;
    for (let number = 0; number < conditions; number++) {
      const uses = byCondition.subarray(order.start[number]!, order.start[number + 1]!);
      const isAsked = this.#asked.has(number);
      if (uses.length <= 1 && !isAsked) {
        actions.push(uses[0]);
        continue;
      }
      actions.push((sharedAction.length * SCALE + ACTION.share) >>> 0);
      if (uses.length <= 1) {
        sharedAction.push(uses[0] ?? ACTION.nothing);
        continue;
      }
      for (const use of uses) {
        listOf.push(lists);
        listAction.push(use);
      }
      sharedAction.push((lists++ * SCALE + ACTION.list) >>> 0);
    }
    const listOrder = csrOrder(listOf.view(), lists);
    return {
      actionOf: (number) => actions[number],
      shared: {
        sharedAction: shareUint32(sharedAction.view()),
        listStart: listOrder.start,
        listAction: arrange(listOrder, listAction.view()),
      },
    };
  }

  #add(condition: number, kind: number, operand: number): void {
    this.#condition.push(condition);
    this.#action.push((operand * SCALE + kind) >>> 0);
  }
}

type Role = typeof ACTION.raise | typeof ACTION.suppress | undefined;

/**
 * The roles of conditions in a table that says "any of these, and none of those"; a condition that makes
 * no difference has none. Undefined for a table that says something else.
 */
function rolesOf(table: TruthTable, conditions: number): Role[] | undefined {
  const isException = (mask: number): boolean =>
    (((mask < 32 ? table.low : table.high) >>> (mask & 31)) & 1) === 1;
  const bits = Array.from({ length: conditions }, (_, bit) => 1 << bit);
  const raising = bits.filter((bit) => isException(bit));
  const raised = raising[0];
  const suppressing = bits.filter((bit) => raised !== undefined && !isException(raised | bit));
  const raise = raising.reduce((mask, bit) => mask | bit, 0);
  const suppress = suppressing.reduce((mask, bit) => mask | bit, 0);
  for (let mask = 0; mask < 1 << conditions; mask++) {
    const says = (mask & raise) !== 0 && (mask & suppress) === 0;
    if (says !== isException(mask)) return undefined;
  }
  return bits.map((bit) => (bit & raise ? ACTION.raise : bit & suppress ? ACTION.suppress : undefined));
}
