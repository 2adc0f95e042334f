/**
 * A process of its own for the tests of ticks over several processes: `read` reads a store over and over
 * and checks that every look is at one tick, `tick` applies ticks until it is killed. Tick n gives every
 * customer the exceptions n and n + 1,000,000 and renames every segment, so each says what it is of.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeRow } from '../../src/model/row.ts';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import type { Store, StoreView } from '../../src/store/store.ts';
import { asOf, rowBatch, segmentEntry } from './store-contract.ts';

const MARK = 1_000_000;
const SEGMENTS = 20;

const customerId = (i: number) => `customer-${String(i).padStart(6, '0')}`;
const segmentsOfTick = (n: number) =>
  Array.from({ length: SEGMENTS }, (_, i) => segmentEntry(i, { name: `tick ${n}` }));
const numbersUpTo = (customers: number) => Array.from({ length: customers }, (_, i) => i);

/** Loads the customers as of tick 0. */
export async function loadForTicks(store: Store, customers: number): Promise<void> {
  const load = await store.beginLoad();
  const numbers = numbersUpTo(customers);
  await load.putCustomers({ ids: numbers.map(customerId), customerNos: Uint32Array.from(numbers) });
  await load.putRows(rowBatch(numbers.map((no) => [no, [0, MARK]] as const)));
  await load.commit({ asOf: { ...asOf(1), batchNo: 0 }, segments: segmentsOfTick(0), customers });
}

/** Tick n also brings one more customer. */
export async function applyMarked(store: Store, n: number, customers: number): Promise<void> {
  const newNo = customers + n;
  await store.apply({
    asOf: { ...asOf(1), batchNo: n },
    newCustomers: { ids: [customerId(newNo)], customerNos: Uint32Array.of(newNo) },
    rows: rowBatch(numbersUpTo(customers).map((no) => [no, [n, n + MARK]] as const)),
    segments: segmentsOfTick(n),
  });
}

/** @throws {Error} if anything of the view is not of the tick that its as-of names. */
export function checkTick(view: StoreView, customers: number, step: number): number {
  const n = view.asOf.batchNo;
  const wrong = (what: string) => new Error(`the view of tick ${n} holds ${what}`);
  if (view.customers !== customers + n) throw wrong(`${view.customers} customers`);
  if (n > 0 && view.isKnown(customerId(customers + n)) !== true) throw wrong('not its new customer');
  if (view.isKnown(customerId(customers + n + 1))) throw wrong('the next new customer');
  const { entries } = view.directory;
  if (entries.length !== SEGMENTS) throw wrong(`${entries.length} segments`);
  for (const { name } of entries) if (name !== `tick ${n}`) throw wrong(`a segment of ${name}`);
  for (let i = 0; i < customers; i += step) {
    const row = view.row(customerId(i)) as Uint8Array | undefined;
    const numbers = row ? decodeRow(row) : [];
    if (numbers.length !== 2 || numbers[0] !== n || numbers[1] !== n + MARK)
      throw wrong(`row ${i} with ${numbers}`);
  }
  return n;
}

/** Starts this file as a process of its own. */
export function startTickChild(mode: 'read' | 'tick', folder: string, customers: number): ChildProcess {
  const file = fileURLToPath(import.meta.url);
  return fork(file, [mode, folder, String(customers)], { execArgv: ['--import', 'tsx'] });
}

async function read(folder: string, customers: number): Promise<void> {
  const store = await openLmdbStore({ folder, readOnly: true });
  let last = -1;
  process.on('disconnect', () => process.exit(0));
  for (;;) {
    await store.refresh();
    const held = store.view()!;
    const n = checkTick(held, customers, 17);
    if (n < last) throw new Error(`tick ${n} came after tick ${last}`);
    if (n !== last) process.send?.({ seen: n });
    last = n;
    await nextTurn();
    // Once more, after other ticks may have been applied: it must still be what it was.
    checkTick(held, customers, 17);
  }
}

async function tickForever(folder: string, customers: number): Promise<void> {
  const store = await openLmdbStore({ folder });
  for (let n = store.asOf()!.batchNo + 1; ; n++) {
    await applyMarked(store, n, customers);
    process.send?.({ applied: n });
  }
}

const [mode, folder, customers] = process.argv.slice(2);
if (mode === 'read') await read(folder!, Number(customers));
if (mode === 'tick') await tickForever(folder!, Number(customers));
