/** The order in which rows are written: most stand in it already, so that a few are moved and not all sorted. */
import type { Column } from '../column-block.ts';

/** Out of order by more than this many, rows are sorted instead of inserted. */
const INSERTIONS_MAX = 32;

/** Finds the order of rows by two columns. One serves all customers in turn. */
export class PlaceOrder {
  #places = new Uint32Array(256);

  /**
   * Row numbers, ascending by the first column, then the second; equal ones keep their order. Valid until
   * the next call; longer than the count.
   *
   * @param moved - How many rows may be out of order.
   */
  by(first: Column, second: Column, count: number, moved: number): Uint32Array {
    if (this.#places.length < count) this.#places = new Uint32Array(2 * count);
    const places = this.#places;
    for (let i = 0; i < count; i++) places[i] = i;
    if (moved > INSERTIONS_MAX) {
      places.subarray(0, count).sort((a, b) => first[a]! - first[b]! || second[a]! - second[b]!);
      return places;
    }
    for (let i = 1; i < count; i++) {
      const row = places[i]!;
      let at = i;
      for (; at > 0; at--) {
        const before = places[at - 1]!;
        if (first[before]! < first[row]!) break;
        if (first[before] === first[row] && second[before]! <= second[row]!) break;
        places[at] = before;
      }
      places[at] = row;
    }
    return places;
  }
}
