/**
 * Compiles segments into a plan: each distinct condition once, each rule into a truth table over its
 * conditions or a program, and indexes from facts to the conditions that they can touch.
 */
import assert from 'node:assert/strict';
import type { Rule } from '../../model/rule.ts';
import type { Segment } from '../../model/segment.ts';
import type { FactDictionary, StoreTable } from '../engine/engine.ts';
import { Turns } from '../turns.ts';
import { ConditionTable } from './condition-table.ts';
import { sharedUint8, sharedUint32, shareUint32, Uint32List } from './csr.ts';
import { conditionsOf, type Expression, evaluateExpression, fold, not, truthTable } from './expression.ts';
import { ACTION_BITS, type Plan, SEGMENTS_MAX, TABLE_CONDITIONS_MAX } from './plan.ts';
import { programOf } from './program.ts';
import { triggersOf } from './trigger.ts';
import { Uses } from './uses.ts';

export interface CompileRequest {
  /** Any order; paused segments are left out. References and bounds of the population must have been replaced. */
  readonly segments: readonly Segment[];
  readonly stores: StoreTable;
  readonly dictionary: FactDictionary;
}

/** A segment that has a program, and what that says. */
interface Programmed {
  readonly place: number;
  /** Who is an exception. */
  readonly exceptions: Expression;
}

/** Times as many uses as are watched: a program costs some times what an action does. */
const SPARED_MIN = 8;

const holdsNever = (): boolean => false;

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
  const expressions: Expression[] = [];
  for (const segment of segments) {
    if (turns.isOver()) await turns.next();
    expressions.push(fold(express(segment.rule, table)));
  }
  const sharing = new Uint32Array(table.size);
  for (const expression of expressions) {
    if (turns.isOver()) await turns.next();
    for (const condition of conditionsOf(expression)) sharing[condition]!++;
  }
  const sharingOf = (condition: number): number => sharing[condition]!;
  const uses = new Uses();
  const programs: Programmed[] = [];
  for (const [place, expression] of expressions.entries()) {
    if (turns.isOver()) await turns.next();
    const conditions = conditionsOf(expression);
    const isDefault = evaluateExpression(expression, holdsNever);
    defaults[place] = Number(isDefault);
    const triggers = triggersOf(expression, sharingOf);
    if (conditions.length > TABLE_CONDITIONS_MAX || isSpared(conditions, triggers, sharing)) {
      uses.addProgram(conditions, triggers, programs.length);
      programs.push({ place, exceptions: isDefault ? not(expression) : expression });
      continue;
    }
    const members = truthTable(expression, conditions);
    exceptionLow[place] = isDefault ? ~members.low : members.low;
    exceptionHigh[place] = isDefault ? ~members.high : members.high;
    uses.addSmall(conditions, place, { low: exceptionLow[place]!, high: exceptionHigh[place]! });
  }
  await turns.next();
  const { actionOf, shared } = uses.resolve(table.size);
  return {
    segmentNos: shareUint32(segments.map((segment) => segment.segmentNo)),
    isDense: segments.every((segment, place) => segment.segmentNo === place),
    defaults,
    ...(await table.build(actionOf)),
    ...shared,
    exceptionLow,
    exceptionHigh,
    ...writePrograms(programs, (condition) => actionOf(condition)! >>> ACTION_BITS),
  };
}

/**
 * Whether a program that runs on its triggers alone spares much. What many segments share mostly holds for
 * many customers, and would cause something in each of those segments for each of those customers.
 */
function isSpared(
  conditions: readonly number[],
  triggers: ReadonlySet<number>,
  sharing: Uint32Array,
): boolean {
  let watched = 0;
  let spared = 0;
  for (const condition of conditions) {
    if (triggers.has(condition)) watched += sharing[condition]!;
    else spared += sharing[condition]!;
  }
  return spared > SPARED_MIN * watched;
}

function writePrograms(
  programs: readonly Programmed[],
  sharedOf: (condition: number) => number,
): Pick<Plan, 'programStart' | 'program'> {
  const programStart = sharedUint32(programs.length + 1);
  const program = new Uint32List();
  for (const [number, { place, exceptions }] of programs.entries()) {
    program.push(place);
    for (const word of programOf(exceptions, sharedOf)) program.push(word);
    programStart[number + 1] = program.length;
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
