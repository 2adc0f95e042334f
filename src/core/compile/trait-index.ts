/** Builds the plan's index of conditions on traits: from a name and a value to what they cause. */
import type { FactDictionary } from '../engine/engine.ts';
import type { ConditionTable } from './condition-table.ts';
import { arrange, csrOrder, sharedFloat64, sharedUint32, Uint32List } from './csr.ts';
import type { TraitIndex } from './plan.ts';
import type { ActionOf } from './uses.ts';

export function buildTraitIndex(
  table: ConditionTable,
  dictionary: FactDictionary,
  actionOf: ActionOf,
): TraitIndex {
  const nameLimit = table.traitTests.reduce((limit, test) => Math.max(limit, test.nameNo + 1), 0);
  const { valueBase, valueLimit, values } = valueRanges(table, dictionary, nameLimit);
  const slot = new Uint32List();
  const slotAction = new Uint32List();
  const existsName = new Uint32List();
  const existsAction = new Uint32List();
  const rangeName = new Uint32List();
  const rangeAction = new Uint32List();
  const lows: number[] = [];
  const highs: number[] = [];
  for (const { nameNo, test, condition } of table.traitTests) {
    const action = actionOf(condition);
    if (action === undefined) continue;
    if (test.kind === 'exists') {
      existsName.push(nameNo);
      existsAction.push(action);
    } else if (test.kind === 'range') {
      rangeName.push(nameNo);
      rangeAction.push(action);
      lows.push(test.atLeast ?? Number.NEGATIVE_INFINITY);
      highs.push(test.atMost ?? Number.POSITIVE_INFINITY);
    } else {
      for (const value of new Set(test.values)) {
        const valueNo = dictionary.traitValues.get(nameNo)?.get(value);
        if (valueNo === undefined) continue;
        slot.push(valueBase[nameNo]! + valueNo);
        slotAction.push(action);
      }
    }
  }
  const valueOrder = csrOrder(slot.view(), values);
  const existsOrder = csrOrder(existsName.view(), nameLimit);
  const rangeOrder = csrOrder(rangeName.view(), nameLimit);
  const rangeLow = sharedFloat64(lows.length);
  const rangeHigh = sharedFloat64(highs.length);
  for (let i = 0; i < lows.length; i++) {
    rangeLow[rangeOrder.position[i]!] = lows[i]!;
    rangeHigh[rangeOrder.position[i]!] = highs[i]!;
  }
  return {
    nameLimit,
    valueBase,
    valueLimit,
    valueStart: valueOrder.start,
    valueAction: arrange(valueOrder, slotAction.view()),
    existsStart: existsOrder.start,
    existsAction: arrange(existsOrder, existsAction.view()),
    rangeStart: rangeOrder.start,
    rangeLow,
    rangeHigh,
    rangeAction: arrange(rangeOrder, rangeAction.view()),
  };
}

/** Gives each name room for the value numbers that its tests name: most names need few or none. */
function valueRanges(table: ConditionTable, dictionary: FactDictionary, nameLimit: number) {
  const valueBase = sharedUint32(nameLimit);
  const valueLimit = sharedUint32(nameLimit);
  for (const { nameNo, test } of table.traitTests) {
    if (test.kind !== 'in') continue;
    for (const value of test.values) {
      const valueNo = dictionary.traitValues.get(nameNo)?.get(value);
      if (valueNo !== undefined) valueLimit[nameNo] = Math.max(valueLimit[nameNo]!, valueNo + 1);
    }
  }
  let values = 0;
  for (let nameNo = 0; nameNo < nameLimit; nameNo++) {
    valueBase[nameNo] = values;
    values += valueLimit[nameNo]!;
  }
  return { valueBase, valueLimit, values };
}
