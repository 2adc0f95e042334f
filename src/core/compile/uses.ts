/**
 * Which segments use which condition, gathered segment by segment, and from that what happens when a
 * condition holds. Most conditions have one use, and then no list is needed: the action names it.
 */
import { arrange, csrOrder, Uint32List } from './csr.ts';
import { ACTION, type Plan } from './plan.ts';

export class Uses {
  readonly #condition = new Uint32List();
  readonly #action = new Uint32List();

  /** A use in a segment that has a program. */
  addLarge(conditions: readonly number[], place: number): void {
    for (const condition of conditions) this.#add(condition, ACTION.run, place);
  }

  /** @param exceptions - Low word of the segment's table: with one condition, bit 1 decides. */
  addSmall(conditions: readonly number[], place: number, exceptions: number): void {
    if (conditions.length === 1) {
      if ((exceptions >>> 1) & 1) this.#add(conditions[0]!, ACTION.decide, place);
      return;
    }
    conditions.forEach((condition, bit) => {
      this.#add(condition, ACTION.mark, place * 8 + bit);
    });
  }

  /**
   * @param conditions - How many there are.
   * @returns By condition its action, undefined without uses; and the lists of the shared ones.
   */
  resolve(conditions: number): {
    readonly actionOf: (condition: number) => number | undefined;
    readonly lists: Pick<Plan, 'sharedStart' | 'sharedAction'>;
  } {
    const condition = this.#condition.view();
    const action = this.#action.view();
    const order = csrOrder(condition, conditions);
    const byCondition = arrange(order, action);
    const sharedOf = new Uint32List();
    const sharedAction = new Uint32List();
    const actions: (number | undefined)[] = [];
    let shared = 0;
    for (let number = 0; number < conditions; number++) {
      const uses = byCondition.subarray(order.start[number]!, order.start[number + 1]!);
      if (uses.length === 0) actions.push(undefined);
      else if (uses.length === 1 && (uses[0]! & 3) !== ACTION.run) actions.push(uses[0]!);
      else {
        for (const use of uses) {
          sharedOf.push(shared);
          sharedAction.push(use);
        }
        actions.push((shared++ * 4 + ACTION.share) >>> 0);
      }
    }
    const sharedOrder = csrOrder(sharedOf.view(), shared);
    return {
      actionOf: (number) => actions[number],
      lists: { sharedStart: sharedOrder.start, sharedAction: arrange(sharedOrder, sharedAction.view()) },
    };
  }

  #add(condition: number, kind: number, operand: number): void {
    this.#condition.push(condition);
    this.#action.push((operand * 4 + kind) >>> 0);
  }
}
