/** Walks one customer's traits and acts on the conditions that they make true. */
import type { TraitIndex } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import type { Scratch } from './scratch.ts';

/** Acts on the traits [from, to) of a batch, which are all of one customer's. */
export function walkTraits(
  index: TraitIndex,
  batch: FactBatch,
  from: number,
  to: number,
  scratch: Scratch,
): void {
  const names = batch.traitNameNo!;
  const values = batch.traitValueNo!;
  const numbers = batch.traitNumber!;
  for (let i = from; i < to; i++) {
    const name = names[i]!;
    if (name >= index.nameLimit) continue;
    const exists = index.existsStart[name + 1]!;
    for (let k = index.existsStart[name]!; k < exists; k++) scratch.act(index.existsAction[k]!);
    if (values[i]! < index.valueLimit[name]!) {
      const slot = index.valueBase[name]! + values[i]!;
      const end = index.valueStart[slot + 1]!;
      for (let k = index.valueStart[slot]!; k < end; k++) scratch.act(index.valueAction[k]!);
    }
    const number = numbers[i]!;
    const ranges = index.rangeStart[name + 1]!;
    for (let k = index.rangeStart[name]!; k < ranges; k++) {
      if (number >= index.rangeLow[k]! && number <= index.rangeHigh[k]!) scratch.act(index.rangeAction[k]!);
    }
  }
}
