/**
 * Changes as they lie on disk: blocks of up to 256 changes of one tick, so that twenty thousand of them
 * are some eighty values to write.
 *
 *     8 at (float64) · 8 batchNo (float64) · 8 catalogNo (float64) · 2 changes
 *     and for each change: 2 place · 4 customer number · 2 bytes of the id · 4 bytes of the entered row ·
 *     4 bytes of the exited row · id in UTF-8 · entered · exited, as model/row.ts writes rows
 *
 * Little-endian. A change's position is the block's key and its place in it: forgotten changes leave gaps.
 */
import { decodeRow, EXCEPTION_BYTES_MAX, encodeRow } from '../../../model/row.ts';
import type { LoggedChange, MembershipChange, TickChanges } from '../change-log.ts';

export const BLOCK_CHANGES_MAX = 256;

const BLOCK_HEADER_BYTES = 26;
const CHANGE_HEADER_BYTES = 16;

export interface BlockTick {
  readonly at: number;
  readonly batchNo: number;
  readonly catalogNo: number;
}

/** @param changes - With their places in the block; at most `BLOCK_CHANGES_MAX`. */
export function encodeBlock(
  tick: BlockTick,
  changes: readonly { readonly place: number; readonly change: MembershipChange }[],
): Buffer {
  const bytes = Buffer.allocUnsafeSlow(
    changes.reduce((sum, { change }) => sum + bytesMax(change), BLOCK_HEADER_BYTES),
  );
  bytes.writeDoubleLE(tick.at, 0);
  bytes.writeDoubleLE(tick.batchNo, 8);
  bytes.writeDoubleLE(tick.catalogNo, 16);
  bytes.writeUInt16LE(changes.length, 24);
  let at = BLOCK_HEADER_BYTES;
  for (const { place, change } of changes) {
    const header = at;
    at += CHANGE_HEADER_BYTES;
    const idBytes = bytes.write(change.customerId, at, 'utf8');
    const enteredAt = at + idBytes;
    const exitedAt = encodeRow(Uint32Array.from(change.entered), change.entered.length, bytes, enteredAt);
    at = encodeRow(Uint32Array.from(change.exited), change.exited.length, bytes, exitedAt);
    bytes.writeUInt16LE(place, header);
    bytes.writeUInt32LE(change.customerNo, header + 2);
    bytes.writeUInt16LE(idBytes, header + 6);
    bytes.writeUInt32LE(exitedAt - enteredAt, header + 8);
    bytes.writeUInt32LE(at - exitedAt, header + 12);
  }
  return bytes.subarray(0, at);
}

function bytesMax({ customerId, entered, exited }: MembershipChange): number {
  const segments = entered.length + exited.length;
  return CHANGE_HEADER_BYTES + Buffer.byteLength(customerId) + EXCEPTION_BYTES_MAX * segments;
}

/** The tick that a block is of. */
export function decodeTick(bytes: Buffer): BlockTick {
  return { at: bytes.readDoubleLE(0), batchNo: bytes.readDoubleLE(8), catalogNo: bytes.readDoubleLE(16) };
}

/** The changes of a block, ascending. */
export function decodeBlock(firstPosition: number, bytes: Buffer): LoggedChange[] {
  const { at: moment, batchNo } = decodeTick(bytes);
  const count = bytes.readUInt16LE(24);
  const changes: LoggedChange[] = [];
  let at = BLOCK_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const idAt = at + CHANGE_HEADER_BYTES;
    const enteredAt = idAt + bytes.readUInt16LE(at + 6);
    const exitedAt = enteredAt + bytes.readUInt32LE(at + 8);
    const end = exitedAt + bytes.readUInt32LE(at + 12);
    changes.push({
      position: firstPosition + bytes.readUInt16LE(at),
      at: moment,
      batchNo,
      customerNo: bytes.readUInt32LE(at + 2),
      customerId: bytes.toString('utf8', idAt, enteredAt),
      entered: decodeRow(bytes.subarray(enteredAt, exitedAt)),
      exited: decodeRow(bytes.subarray(exitedAt, end)),
    });
    at = end;
  }
  return changes;
}

/** A tick's changes from `from` on, as blocks with their first positions. */
export function* blocksOf(
  { changes, ...tick }: TickChanges,
  from: number,
  to: number,
  firstPosition: number,
): Generator<{ readonly position: number; readonly bytes: Buffer }> {
  for (let at = from; at < to; at += BLOCK_CHANGES_MAX) {
    const some = changes.slice(at, Math.min(at + BLOCK_CHANGES_MAX, to));
    const placed = some.map((change, place) => ({ place, change }));
    yield { position: firstPosition + at, bytes: encodeBlock(tick, placed) };
  }
}
