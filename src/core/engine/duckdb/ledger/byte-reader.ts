/** Reads integers out of bytes, from front to back; the counterpart of `ByteWriter`. */

export class ByteReader {
  #bytes: Buffer = Buffer.alloc(0);
  at = 0;

  reset(bytes: Buffer): void {
    this.#bytes = bytes;
    this.at = 0;
  }

  byte(): number {
    return this.#bytes[this.at++]!;
  }

  uint32(): number {
    const value = this.#bytes.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  float64(): number {
    const value = this.#bytes.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  /** LEB128, up to 2^53. */
  varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.at++]!;
    let value = byte & 127;
    let shift = 7;
    while (byte > 127 && shift < 28) {
      byte = bytes[this.at++]!;
      value |= (byte & 127) << shift;
      shift += 7;
    }
    // Above 28 bits the operators on 32 bits no longer do.
    let scale = 2 ** 28;
    while (byte > 127) {
      byte = bytes[this.at++]!;
      value += (byte & 127) * scale;
      scale *= 128;
    }
    return value;
  }

  /** Zigzag: 0, −1, 1, −2 … */
  signed(): number {
    const coded = this.varint();
    if (coded <= 0x7fff_ffff) return (coded >>> 1) ^ -(coded & 1);
    return coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
  }

  /** Zigzag of 32 bits. */
  signed32(): number {
    const coded = this.varint() | 0;
    return (coded >>> 1) ^ -(coded & 1);
  }
}
