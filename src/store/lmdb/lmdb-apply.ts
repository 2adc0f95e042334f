/**
 * A tick, written on top of a view: one transaction with the as-of, so that readers and a process killed
 * at any moment see all of it or nothing. The event loop hands over instructions, about a microsecond
 * each; LMDB carries them out, commits and syncs in a thread of its own.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CoterieError } from '../../model/error.ts';
import { ID_BYTES_MAX } from '../../model/fact.ts';
import type { CustomerBatch, MembershipChanges, RowBatch } from '../../model/membership.ts';
import { changed, type ReadDirectory } from './lmdb-directory.ts';
import { checkSpace, toStoreError } from './lmdb-error.ts';
import { FORMAT_VERSION, type GenerationMeta, META_KEY, type WrittenChange } from './lmdb-layout.ts';
import type { LmdbView } from './lmdb-view.ts';

/** A row can take a page of its own to a new place; `checkSpace` counts double. */
const BYTES_PER_WRITE = 2_048;
/** A reader that was killed holds on to old pages until somebody looks. */
const TICKS_PER_READER_CHECK = 32;
/** Changes of segments put into words between two pauses. */
const CHANGES_PER_SLICE = 2_000;

/** What is written, made ready before the transaction: within it nothing may fail half-way. */
interface Tick {
  readonly forgottenIds: readonly string[];
  readonly forgottenNos: readonly number[];
  readonly newIds: readonly string[];
  /** 4 bytes each, little-endian. */
  readonly newNos: Buffer;
  readonly rows: RowBatch | undefined;
  /** The rows' bytes, copied: the caller's memory may be shared, which LMDB cannot take by its address. */
  readonly rowBytes: Buffer;
  readonly changes: readonly { readonly changeNo: number; readonly json: Buffer }[];
  /** Changes that later ones of the same segment replace. */
  readonly replacedChanges: readonly number[];
  readonly meta: GenerationMeta;
}

/**
 * Writes a tick on top of the newest view of the generation in force.
 *
 * @returns The directory after it.
 * @throws {CoterieError} `CALCULATION_SUPERSEDED`, `DISK_FULL`, `DATA_FOLDER_UNWRITABLE`: nothing was changed.
 */
export async function applyTick(view: LmdbView, changes: MembershipChanges): Promise<ReadDirectory> {
  const { generation } = view;
  if (!generation.isWritable) {
    throw new CoterieError(
      'DATA_FOLDER_UNWRITABLE',
      `${generation.path} can be read and not written: expected permission, and no store of this process that has it open for reading only`,
      { file: generation.path },
    );
  }
  checkCalculation(view, changes);
  const directory = await changed(view.directory, changes);
  const { written, changeNos } = directoryChanges(view.read, changes);
  const changeNo = view.read.changeNo + written.length;
  const tick = prepare(view, changes, { json: await asJson(written), written, changeNo });
  try {
    const writes = 8 + tick.forgottenIds.length * 2 + tick.newIds.length + (tick.rows?.count ?? 0);
    const bytes = tick.rowBytes.length + tick.changes.reduce((sum, { json }) => sum + json.length, 0);
    checkSpace(generation.folder, bytes + (writes + tick.changes.length) * BYTES_PER_WRITE);
    await commit(view, tick);
  } catch (error) {
    throw toStoreError(error, generation.folder, 'apply a tick');
  }
  if (tick.meta.tickNo! % TICKS_PER_READER_CHECK === 0) generation.environment.readerCheck();
  for (const [segmentNo, no] of changeNos) view.read.changeNos.set(segmentNo, no);
  return { directory, changeNo, changeNos: view.read.changeNos };
}

function checkCalculation(view: LmdbView, { asOf }: MembershipChanges): void {
  const served = view.asOf.calculationNo;
  if (asOf.calculationNo === served) return;
  throw new CoterieError(
    'CALCULATION_SUPERSEDED',
    `the tick was calculated on top of calculation ${asOf.calculationNo}, and calculation ${served} is served`,
    { expected: served, found: asOf.calculationNo },
  );
}

/** What the directory's changes look like on disk, one for each segment. */
function directoryChanges(
  { changeNo }: ReadDirectory,
  { segments = [], removedSegments = [] }: MembershipChanges,
): { readonly written: readonly WrittenChange[]; readonly changeNos: ReadonlyMap<number, number> } {
  const bySegment = new Map<number, WrittenChange>();
  for (const segmentNo of removedSegments) bySegment.set(segmentNo, { segmentNo });
  for (const segment of segments) {
    const { segmentNo, status } = segment;
    bySegment.set(segmentNo, status === 'archived' ? { segmentNo } : segment);
  }
  const written = [...bySegment.values()];
  return { written, changeNos: new Map(written.map(({ segmentNo }, i) => [segmentNo, changeNo + 1 + i])) };
}

function prepare(
  view: LmdbView,
  changes: MembershipChanges,
  directory: {
    readonly written: readonly WrittenChange[];
    readonly json: readonly Buffer[];
    readonly changeNo: number;
  },
): Tick {
  const forgotten = new Map<string, number>();
  for (const id of changes.forgottenCustomers ?? []) {
    const customerNo = view.customerNo(id);
    if (customerNo !== undefined) forgotten.set(id, customerNo);
  }
  const { ids = [], customerNos } = changes.newCustomers ?? {};
  let added = 0;
  for (const id of ids) {
    checkId(id);
    if (forgotten.has(id) || !view.isKnown(id)) added++;
  }
  const { rows } = changes;
  const { written, json, changeNo } = directory;
  return {
    forgottenIds: [...forgotten.keys()],
    forgottenNos: [...forgotten.values()],
    newIds: ids,
    newNos: numbersOf(customerNos, ids.length),
    rows: rows && copyNumbers(rows),
    rowBytes: rows ? Buffer.from(rows.rows.subarray(0, rows.offsets[rows.count])) : Buffer.alloc(0),
    changes: json.map((bytes, i) => ({ changeNo: changeNo - written.length + 1 + i, json: bytes })),
    replacedChanges: written.flatMap(({ segmentNo }) => view.read.changeNos.get(segmentNo) ?? []),
    meta: {
      ...view.meta,
      format: FORMAT_VERSION,
      asOf: changes.asOf,
      customers: view.customers + added - forgotten.size,
      tickNo: (view.meta.tickNo ?? 0) + 1,
      changeNo,
    },
  };
}

async function asJson(written: readonly WrittenChange[]): Promise<Buffer[]> {
  const json: Buffer[] = [];
  for (const change of written) {
    if (json.length % CHANGES_PER_SLICE === CHANGES_PER_SLICE - 1) await nextTurn();
    json.push(Buffer.from(JSON.stringify(change)));
  }
  return json;
}

function checkId(id: string): void {
  const bytes = Buffer.byteLength(id);
  if (bytes < 1 || bytes > ID_BYTES_MAX)
    throw new Error(`a customer id has ${bytes} bytes: expected 1 to ${ID_BYTES_MAX}`);
}

function numbersOf(customerNos: CustomerBatch['customerNos'] | undefined, count: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(4 * count);
  for (let i = 0; i < count; i++) bytes.writeUInt32LE(customerNos![i]!, 4 * i);
  return bytes;
}

/** The caller may use its memory again while the transaction runs. */
function copyNumbers({ count, customerNos, offsets, rows }: RowBatch): RowBatch {
  return { count, customerNos: customerNos.slice(0, count), offsets: offsets.slice(0, count + 1), rows };
}

async function commit({ generation }: LmdbView, tick: Tick): Promise<void> {
  const { customer, row, change, meta } = generation.databases;
  const metaBytes = Buffer.from(JSON.stringify(tick.meta));
  const write = (): void => {
    for (const id of tick.forgottenIds) customer.remove(id);
    for (const [i, id] of tick.newIds.entries()) customer.put(id, tick.newNos.subarray(4 * i, 4 * i + 4));
    putRows(tick, (customerNo, bytes) => (bytes ? row.put(customerNo, bytes) : row.remove(customerNo)));
    for (const changeNo of tick.replacedChanges) change!.remove(changeNo);
    for (const { changeNo, json } of tick.changes) change!.put(changeNo, json);
    meta.put(META_KEY, metaBytes);
  };
  try {
    await generation.environment.batch(write);
  } catch (error) {
    // What went wrong comes after the failure itself.
    throw (await (error as { commitError?: Promise<never> }).commitError?.catch((cause) => cause)) ?? error;
  }
}

/** Rows of forgotten customers go, whatever the tick says, unless somebody new has their number. */
function putRows(tick: Tick, put: (customerNo: number, bytes: Buffer | undefined) => void): void {
  const gone = new Set(tick.forgottenNos);
  for (let i = 0; i < tick.newNos.length; i += 4) gone.delete(tick.newNos.readUInt32LE(i));
  for (const customerNo of tick.forgottenNos) put(customerNo, undefined);
  if (!tick.rows) return;
  const { count, customerNos, offsets } = tick.rows;
  for (let i = 0; i < count; i++) {
    const customerNo = customerNos[i]!;
    if (gone.has(customerNo)) continue;
    const bytes = tick.rowBytes.subarray(offsets[i]!, offsets[i + 1]!);
    put(customerNo, bytes.length > 0 ? bytes : undefined);
  }
}
