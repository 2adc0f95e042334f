/** Writes integers into bytes, from front to back; the counterpart of `ByteReader`. */

const BYTES_AT_FIRST = 4096;

export class ByteWriter {
  // LMDB reads values by address, which takes memory of its own.
  #bytes = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  at = 0;

  /** Starts anew, with room for this many bytes. */
  reset(bytesMax: number): void {
    if (bytesMax > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(2 * bytesMax);
    this.at = 0;
  }

  /** What was written; valid until the next `reset`. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.at);
  }

  byte(value: number): void {
    this.#bytes[this.at++] = value;
  }

  /** 32 bits. */
  word(value: number): void {
    this.wordAt(value, this.at);
    this.at += 4;
  }

  /** Overwrites what was written there. */
  wordAt(value: number, at: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }

  /** Copies [from, to) of other bytes. */
  bytes(source: Buffer, from: number, to: number): void {
    source.copy(this.#bytes, this.at, from, to);
    this.at += to - from;
  }

  float64(value: number): void {
    this.at = this.#bytes.writeDoubleLE(value, this.at);
  }

  /** LEB128, up to 2^53. */
  varint(value: number): void {
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x7fff_ffff) {
      bytes[this.at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[this.at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[this.at++] = rest;
  }

  /** Zigzag: 0, −1, 1, −2 … up to 2^52 either way. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Zigzag of 32 bits. */
  signed32(value: number): void {
    this.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }
}
