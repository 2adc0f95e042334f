/** Text as its bytes in UTF-8: how long it is, and in which order the engine sorts it. */

const encoder = new TextEncoder();

/** Whether a text takes more than `most` bytes. */
export function bytesOver(text: string, most: number): boolean {
  // A UTF-16 unit takes at most 3 bytes, so short texts, which are nearly all, need no counting.
  return text.length * 3 > most && utf8Length(text) > most;
}

/** Bytes of a text. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

/** Below 0, 0 or above 0, as `a` sorts before, with or after `b`. */
export function compareBytes(a: string, b: string): number {
  const [one, other] = [encoder.encode(a), encoder.encode(b)];
  const at = one.findIndex((byte, i) => byte !== other[i]);
  return at < 0 ? one.length - other.length : one[at]! - (other[at] ?? -1);
}
