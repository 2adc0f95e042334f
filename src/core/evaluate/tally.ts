/**
 * Tallies: count, sum, minimum and maximum of the orders in a window that pass a filter, in whole
 * ten-thousandths, so that they are exact up to 2^53.
 */
import { MEASURE_CODE, type OrderIndex } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import type { Scratch } from './scratch.ts';

/**
 * Adds the orders [first, end) of one store that came after a time and pass the tally's filter.
 *
 * @returns False when none came after that time, so that none is in a shorter window either.
 */
export function addToTally(
  index: OrderIndex,
  tally: number,
  after: number,
  batch: FactBatch,
  first: number,
  end: number,
  scratch: Scratch,
): boolean {
  const { orderedAt } = batch;
  if (orderedAt[end - 1]! <= after) return false;
  const totalE4 = batch.totalE4!;
  const currencyNo = batch.currencyNo!;
  const discountE4 = batch.discountE4!;
  const currency = index.tallyCurrency[tally]!;
  const minimum = index.tallyMinimumE4[tally]!;
  const discounted = index.tallyDiscounted[tally]!;
  for (let i = end - 1; i >= first && orderedAt[i]! > after; i--) {
    const total = totalE4[i]!;
    if (currency >= 0 && currencyNo[i] !== currency) continue;
    if (total < minimum) continue;
    if (discounted >= 0 && Number(discountE4[i]! > 0) !== discounted) continue;
    addOrder(tally, total, scratch);
  }
  return true;
}

function addOrder(tally: number, totalE4: number, scratch: Scratch): void {
  if (scratch.tallyEpoch[tally] !== scratch.epoch) {
    scratch.tallyEpoch[tally] = scratch.epoch;
    scratch.tallyCount[tally] = 0;
    scratch.tallySumE4[tally] = 0;
    scratch.tallyMinimumE4[tally] = totalE4;
    scratch.tallyMaximumE4[tally] = totalE4;
    scratch.touchedTally[scratch.touchedTallies++] = tally;
  }
  scratch.tallyCount[tally]! += 1;
  scratch.tallySumE4[tally]! += totalE4;
  if (totalE4 < scratch.tallyMinimumE4[tally]!) scratch.tallyMinimumE4[tally] = totalE4;
  if (totalE4 > scratch.tallyMaximumE4[tally]!) scratch.tallyMaximumE4[tally] = totalE4;
}

/** Acts on every test that the tallies of a customer pass; after the customer's last order. */
export function testTallies(index: OrderIndex, scratch: Scratch): void {
  for (let i = 0; i < scratch.touchedTallies; i++) {
    const tally = scratch.touchedTally[i]!;
    const end = index.testStart[tally + 1]!;
    for (let test = index.testStart[tally]!; test < end; test++) {
      const inside = isInside(
        index.testMeasure[test]!,
        index.testLow[test]!,
        index.testHigh[test]!,
        tally,
        scratch,
      );
      if (inside !== (index.testOutside[test] === 1)) scratch.act(index.testAction[test]!);
    }
  }
}

function isInside(measure: number, low: number, high: number, tally: number, scratch: Scratch): boolean {
  const orders = scratch.tallyCount[tally]!;
  const sum = scratch.tallySumE4[tally]!;
  switch (measure) {
    case MEASURE_CODE.count:
      return orders >= low && orders <= high;
    case MEASURE_CODE.sum:
      return sum >= low && sum <= high;
    case MEASURE_CODE.average:
      // Compared without dividing, so that it is exact: low ≤ sum ÷ orders ⇔ low × orders ≤ sum.
      return sum >= low * orders && sum <= high * orders;
    case MEASURE_CODE.minimum:
      return scratch.tallyMinimumE4[tally]! >= low && scratch.tallyMinimumE4[tally]! <= high;
    default:
      return scratch.tallyMaximumE4[tally]! >= low && scratch.tallyMaximumE4[tally]! <= high;
  }
}
