/**
 * The bytes of a customer's row: exceptions as ascending segment numbers, each written as its distance
 * from the one before (the first from −1, so that every distance is ≥ 1) in LEB128. At 100,000 segments
 * and 140 exceptions this takes about 2 bytes each, half of plain 32-bit numbers, and writing rows is
 * bound by bytes. Invariant: numbers ascend strictly; a row without exceptions is not stored.
 */

/** Most bytes that one exception can take. */
export const EXCEPTION_BYTES_MAX = 5;

/**
 * Writes `count` ascending segment numbers at `at`; the caller has left 5 bytes for each.
 *
 * @returns The position after the last byte written.
 */
export function encodeRow(segmentNos: Uint32Array, count: number, into: Uint8Array, at: number): number {
  let position = at;
  let previous = -1;
  for (let i = 0; i < count; i++) {
    const segmentNo = segmentNos[i]!;
    let distance = segmentNo - previous;
    // Read back, every number after it would be another one.
    if (distance < 1) throw new Error(`segment numbers of a row must ascend: ${segmentNo} after ${previous}`);
    previous = segmentNo;
    while (distance > 0x7f) {
      into[position++] = (distance & 0x7f) | 0x80;
      // The distance from −1 to the last number, 2^32, is one bit too long for a shift.
      distance = distance > 0xffff_ffff ? distance / 128 : distance >>> 7;
    }
    into[position++] = distance;
  }
  return position;
}

/** Reads a row back, ascending. */
export function decodeRow(row: Uint8Array): number[] {
  const segmentNos: number[] = [];
  let previous = -1;
  for (let i = 0; i < row.length; ) {
    let distance = 0;
    let scale = 1;
    for (;;) {
      const byte = row[i++]!;
      distance += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
    }
    previous += distance;
    segmentNos.push(previous);
  }
  return segmentNos;
}

/**
 * Marks which of the wanted segments are exceptions of a row, in one walk over its bytes.
 *
 * @param wanted - Ascending segment numbers; doubles are marked each.
 * @param found - At least as long; set to 1 where the wanted number is in the row, else to 0.
 */
export function findInRow(row: Uint8Array, wanted: Uint32Array, found: Uint8Array): void {
  const count = wanted.length;
  found.fill(0, 0, count);
  let at = 0;
  let previous = -1;
  for (let i = 0; i < row.length; ) {
    let byte = row[i++]!;
    let distance = byte & 0x7f;
    let scale = 128;
    while (byte >= 0x80) {
      byte = row[i++]!;
      distance += (byte & 0x7f) * scale;
      scale *= 128;
    }
    previous += distance;
    while (at < count && wanted[at]! < previous) at++;
    while (at < count && wanted[at] === previous) found[at++] = 1;
    if (at === count) return;
  }
}
