/** Sets of numbers, ascending. */

/** The numbers that are in either, each once. */
export function mergeAscending(a: Uint32Array, b: Uint32Array): Uint32Array {
  const merged = new Uint32Array(a.length + b.length);
  let count = 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const x = i < a.length ? a[i]! : Number.POSITIVE_INFINITY;
    const y = j < b.length ? b[j]! : Number.POSITIVE_INFINITY;
    merged[count++] = Math.min(x, y);
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return merged.subarray(0, count);
}

/** The numbers that are not replaced, and those that take their place; both ascend, and so does the outcome. */
export function replaceAscending(
  numbers: readonly number[],
  isReplaced: (number: number) => boolean,
  by: readonly number[],
): number[] {
  const merged: number[] = [];
  let j = 0;
  for (const number of numbers) {
    if (isReplaced(number)) continue;
    while (j < by.length && by[j]! < number) merged.push(by[j++]!);
    merged.push(number);
  }
  while (j < by.length) merged.push(by[j++]!);
  return merged;
}
