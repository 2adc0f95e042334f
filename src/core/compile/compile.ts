/**
 * Compiles segments into a plan: each distinct condition once, each rule into a truth table over its
 * conditions (or a program, beyond 6), and indexes from facts to the conditions that they can touch.
 */
import assert from 'node:assert/strict';
import type { Rule } from '../../model/rule.ts';
import type { Segment } from '../../model/segment.ts';
import type { FactDictionary, StoreTable } from '../engine/engine.ts';
import { Turns } from '../turns.ts';
import { ConditionTable } from './condition-table.ts';
import { sharedUint8, sharedUint32, shareUint32, Uint32List } from './csr.ts';
import { conditionsOf, type Expression, evaluateExpression, truthTable } from './expression.ts';
import { ACTION_BITS, type Plan, SEGMENTS_MAX, TABLE_CONDITIONS_MAX } from './plan.ts';
import { writeProgram } from './program.ts';
import { Uses } from './uses.ts';

export interface CompileRequest {
  /** Any order; paused segments are left out. References and bounds of the population must have been replaced. */
  readonly segments: readonly Segment[];
  readonly stores: StoreTable;
  readonly dictionary: FactDictionary;
}

/** Compiles, in turns; the cost grows with the segments and the stores that they name. */
export async function compile(request: CompileRequest): Promise<Plan> {
  const turns = new Turns();
  const segments = request.segments
    .filter((segment) => (segment.definition.status ?? 'active') === 'active')
    .sort((a, b) => a.segmentNo - b.segmentNo);
  assert.ok(segments.length <= SEGMENTS_MAX, 'more segments than an action can name');
  const table = new ConditionTable(request.stores, request.dictionary);
  const defaults = sharedUint8(segments.length);
  const exceptionLow = sharedUint32(segments.length);
  const exceptionHigh = sharedUint32(segments.length);
  const uses = new Uses();
  const large = new Map<number, Expression>();
  for (const [place, segment] of segments.entries()) {
    if (turns.isOver()) await turns.next();
    const expression = express(segment.rule, table);
    const conditions = conditionsOf(expression);
    const isDefault = evaluateExpression(expression, () => false);
    defaults[place] = Number(isDefault);
    if (conditions.length > TABLE_CONDITIONS_MAX) {
      large.set(place, expression);
      uses.addLarge(conditions, place);
      continue;
    }
    const members = truthTable(expression, conditions);
    exceptionLow[place] = isDefault ? ~members.low : members.low;
    exceptionHigh[place] = isDefault ? ~members.high : members.high;
    uses.addSmall(conditions, place, { low: exceptionLow[place]!, high: exceptionHigh[place]! });
  }
  await turns.next();
  const { actionOf, lists } = uses.resolve(table.size);
  return {
    segmentNos: shareUint32(segments.map((segment) => segment.segmentNo)),
    isDense: segments.every((segment, place) => segment.segmentNo === place),
    defaults,
    ...(await table.build(actionOf)),
    ...lists,
    exceptionLow,
    exceptionHigh,
    ...programs(large, segments.length, (condition) => actionOf(condition)! >>> ACTION_BITS),
  };
}

function programs(
  large: ReadonlyMap<number, Expression>,
  segments: number,
  sharedOf: (condition: number) => number,
): Pick<Plan, 'programStart' | 'program'> {
  const programStart = sharedUint32(segments + 1);
  const program = new Uint32List();
  for (let place = 0; place < segments; place++) {
    const expression = large.get(place);
    if (expression) writeProgram(expression, sharedOf, (word) => program.push(word));
    programStart[place + 1] = program.length;
  }
  return { programStart, program: shareUint32(program.view()) };
}

function express(rule: Rule, table: ConditionTable): Expression {
  switch (rule.kind) {
    case 'all':
    case 'any':
      return { op: rule.kind, of: rule.rules.map((child) => express(child, table)) };
    case 'not':
      return { op: 'not', of: express(rule.rule, table) };
    case 'segment':
      throw new Error(`Segment ${rule.key} was not replaced by its rule before compiling`);
    default:
      return table.express(rule);
  }
}
