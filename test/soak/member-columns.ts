/** Members of segments, a bit for each customer by number, that can be kept in a file. */
import { countBits } from '../../src/core/verify/membership-bits.ts';

export class MemberColumns {
  /** Segment number → words; what is beyond the end is 0. */
  readonly #columns = new Map<number, Uint32Array>();

  /** Reads what `encode` wrote. */
  static decode(bytes: Uint8Array): MemberColumns {
    const columns = new MemberColumns();
    // Copied, so that words lie where 32-bit numbers may.
    const words = new Uint32Array(new Uint8Array(bytes).buffer);
    for (let at = 0; at < words.length; ) {
      const [segmentNo, length] = [words[at]!, words[at + 1]!];
      columns.#columns.set(segmentNo, words.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
    return columns;
  }

  set(segmentNo: number, customerNo: number, isMember: boolean): void {
    const words = this.#wordsTo(segmentNo, customerNo + 1);
    if (isMember) words[customerNo >>> 5]! |= 1 << (customerNo & 31);
    else words[customerNo >>> 5]! &= ~(1 << (customerNo & 31));
  }

  /** Makes members of the customers numbered from `from` to below `end`. */
  setRange(segmentNo: number, from: number, end: number): void {
    if (from >= end) return;
    const words = this.#wordsTo(segmentNo, end);
    for (let customerNo = from; customerNo < end; customerNo++) {
      if ((customerNo & 31) === 0 && customerNo + 32 <= end) {
        words[customerNo >>> 5] = 0xffff_ffff;
        customerNo += 31;
      } else words[customerNo >>> 5]! |= 1 << (customerNo & 31);
    }
  }

  remove(segmentNo: number): void {
    this.#columns.delete(segmentNo);
  }

  /** The members of one segment as text, for `put`. */
  text(segmentNo: number): string {
    const words = this.#columns.get(segmentNo) ?? new Uint32Array(0);
    return Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('base64');
  }

  put(segmentNo: number, text: string): void {
    this.#columns.set(segmentNo, new Uint32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer));
  }

  /** Takes customers out of every segment. */
  forget(customerNos: Iterable<number>): void {
    for (const customerNo of customerNos) {
      for (const words of this.#columns.values()) {
        if (customerNo >>> 5 < words.length) words[customerNo >>> 5]! &= ~(1 << (customerNo & 31));
      }
    }
  }

  has(segmentNo: number, customerNo: number): boolean {
    return (((this.#columns.get(segmentNo)?.[customerNo >>> 5] ?? 0) >>> (customerNo & 31)) & 1) === 1;
  }

  /** The first customers who make `differences`; at most `limit`. */
  differing(other: MemberColumns, segmentNo: number, among: Uint32Array, limit: number): number[] {
    const found: number[] = [];
    for (let customerNo = 0; customerNo < 32 * among.length && found.length < limit; customerNo++) {
      if (((among[customerNo >>> 5]! >>> (customerNo & 31)) & 1) === 0) continue;
      if (this.has(segmentNo, customerNo) !== other.has(segmentNo, customerNo)) found.push(customerNo);
    }
    return found;
  }

  /**
   * Customers who are in a segment here and not there, or the other way round.
   *
   * @param among - A bit for each customer who counts.
   */
  differences(other: MemberColumns, segmentNo: number, among: Uint32Array): number {
    const ours = this.#columns.get(segmentNo) ?? new Uint32Array(0);
    const theirs = other.#columns.get(segmentNo) ?? new Uint32Array(0);
    let differences = 0;
    for (let i = 0; i < among.length; i++)
      differences += countBits(((ours[i] ?? 0) ^ (theirs[i] ?? 0)) & among[i]!);
    return differences;
  }

  encode(): Buffer {
    const parts: Uint32Array[] = [];
    for (const [segmentNo, words] of this.#columns)
      parts.push(Uint32Array.of(segmentNo, words.length), words);
    return Buffer.concat(
      parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
    );
  }

  #wordsTo(segmentNo: number, customerNoEnd: number): Uint32Array {
    const wanted = (customerNoEnd + 31) >>> 5;
    const words = this.#columns.get(segmentNo);
    if (words !== undefined && words.length >= wanted) return words;
    const grown = new Uint32Array(Math.max(wanted, (words?.length ?? 0) + 64));
    if (words !== undefined) grown.set(words);
    this.#columns.set(segmentNo, grown);
    return grown;
  }
}
