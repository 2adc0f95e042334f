/**
 * Keys of the change log. Big-endian, so that they sort as numbers.
 *
 *     block      first position, 8 bytes
 *     customer   position / 65,536, 6 bytes · customer number, 4 · the position's rest, 2
 *
 * By stretches of 65,536 positions, since a tick's customers are anywhere among all: in one index over all
 * of time each would touch a page of its own, while a stretch is some hundred pages that every tick fills
 * further. A customer's changes are then one look-up for each stretch: 1,600 of them at 100 M changes.
 */

export const STRETCH_POSITIONS = 65_536;

const HIGH = 4_294_967_296;

function writePosition(position: number, target: Buffer, start: number): number {
  target.writeUInt32BE(Math.floor(position / HIGH), start);
  return target.writeUInt32BE(position % HIGH, start + 4);
}

export const POSITION_KEY_ENCODER = {
  writeKey: writePosition,
  readKey(source: Buffer, start: number): number {
    return source.readUInt32BE(start) * HIGH + source.readUInt32BE(start + 4);
  },
};

export interface CustomerKey {
  readonly customerNo: number;
  readonly position: number;
}

export const CUSTOMER_KEY_ENCODER = {
  writeKey({ customerNo, position }: CustomerKey, target: Buffer, start: number): number {
    target.writeUIntBE(Math.floor(position / STRETCH_POSITIONS), start, 6);
    target.writeUInt32BE(customerNo, start + 6);
    return target.writeUInt16BE(position % STRETCH_POSITIONS, start + 10);
  },
  readKey(source: Buffer, start: number): CustomerKey {
    const stretch = source.readUIntBE(start, 6);
    const position = stretch * STRETCH_POSITIONS + source.readUInt16BE(start + 10);
    return { customerNo: source.readUInt32BE(start + 6), position };
  },
};
