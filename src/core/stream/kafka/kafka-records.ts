/**
 * Which records of a partition count: those at or after the offset asked for, that are no marks of
 * transactions and not of an aborted one. The algorithm is that of Kafka's own consumer (KIP-98): a
 * producer's records are skipped from where an aborted transaction of its begins up to its abort mark.
 */

interface KafkaRecord {
  readonly offsetDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface RecordBatch {
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  /** Bits: 4 transactional, 5 control. */
  readonly attributes: number;
  readonly producerId: bigint;
  readonly records: readonly KafkaRecord[];
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

const TRANSACTIONAL = 0b1_0000;
const CONTROL = 0b10_0000;
/** The key of a control record: version, then type, 16 bits each; type 0 is an abort. */
const CONTROL_TYPE_AT = 2;
const ABORT = 0;

const NOTHING = Buffer.alloc(0);

/**
 * @param from - The offset asked for; the first batch may begin before it.
 * @returns Records in order, and the offset that follows all batches.
 */
export function committedRecords(
  batches: readonly RecordBatch[],
  abortedTransactions: readonly AbortedTransaction[],
  from: bigint,
): { readonly records: { readonly offset: bigint; readonly value: Buffer }[]; readonly next: bigint } {
  const toCome = [...abortedTransactions].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const aborting = new Set<bigint>();
  const records: { offset: bigint; value: Buffer }[] = [];
  let next = from;
  for (const batch of batches) {
    const { firstOffset, producerId, attributes } = batch;
    const last = firstOffset + BigInt(batch.lastOffsetDelta);
    while (toCome[0] !== undefined && toCome[0].firstOffset <= last) aborting.add(toCome.shift()!.producerId);
    if ((attributes & CONTROL) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(CONTROL_TYPE_AT) === ABORT) aborting.delete(producerId);
    } else if ((attributes & TRANSACTIONAL) === 0 || !aborting.has(producerId)) {
      for (const { offsetDelta, value } of batch.records) {
        const offset = firstOffset + BigInt(offsetDelta);
        if (offset >= from) records.push({ offset, value: value ?? NOTHING });
      }
    }
    if (last >= next) next = last + 1n;
  }
  return { records, next };
}
