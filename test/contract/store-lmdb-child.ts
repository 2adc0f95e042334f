/**
 * A process of its own for the tests of several processes: `read` reads a store over and over and checks
 * that every look is at one load, `load` loads until it is killed, `open` opens as an ordinary user. Load n gives every customer the
 * exceptions n and n + 1,000,000, so a row says which load it comes from.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeRow } from '../../src/model/row.ts';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import type { Store, StoreView } from '../../src/store/store.ts';
import { asOf, rowBatch, segmentEntry } from './store-contract.ts';

const MARK = 1_000_000;
const BATCH_CUSTOMERS = 1_000;

const customerId = (i: number) => `customer-${String(i).padStart(6, '0')}`;

/** Loads n customers, n times over the same ids; `progress` is called after every step. */
export async function loadMarked(
  store: Store,
  n: number,
  customers: number,
  progress: (step: string) => void = () => {},
): Promise<void> {
  const load = await store.beginLoad();
  progress('begun');
  for (let from = 0; from < customers; from += BATCH_CUSTOMERS) {
    const numbers = Array.from({ length: Math.min(BATCH_CUSTOMERS, customers - from) }, (_, i) => from + i);
    await load.putCustomers({ ids: numbers.map(customerId), customerNos: Uint32Array.from(numbers) });
    await load.putRows(rowBatch(numbers.map((no) => [no, [n, n + MARK]] as const)));
    progress('put');
  }
  const segments = Array.from({ length: 1_200 }, (_, i) =>
    segmentEntry(i, { name: `load ${n}`, exceptions: n }),
  );
  await load.commit({ asOf: asOf(n), segments, customers });
  progress('committed');
}

/** @throws {Error} if anything of the view is not of the load that its as-of names. */
export function checkMarked(view: StoreView, customers: number, step: number): void {
  const n = view.asOf.calculationNo;
  const wrong = (what: string) => new Error(`view of load ${n} holds ${what}`);
  if (view.customers !== customers) throw wrong(`${view.customers} customers`);
  if (view.directory.entries.length !== 1_200) throw wrong(`${view.directory.entries.length} segments`);
  for (const entry of view.directory.entries)
    if (entry.exceptions !== n) throw wrong(`a segment of ${entry.name}`);
  for (let i = 0; i < customers; i += step) {
    const row = view.row(customerId(i)) as Uint8Array | undefined;
    const numbers = row ? decodeRow(row) : [];
    if (numbers.length !== 2 || numbers[0] !== n || numbers[1] !== n + MARK)
      throw wrong(`row ${i} with ${numbers}`);
  }
}

/** Starts this file as a process of its own. */
export function startChild(mode: 'read' | 'load' | 'open', folder: string, customers: number): ChildProcess {
  const file = fileURLToPath(import.meta.url);
  return fork(file, [mode, folder, String(customers)], { execArgv: ['--import', 'tsx'] });
}

async function read(folder: string, customers: number): Promise<void> {
  const store = await openLmdbStore({ folder, readOnly: true });
  let stopped = false;
  process.on('message', () => {
    stopped = true;
  });
  let looks = 0;
  const seen = new Set<number>();
  while (!stopped) {
    await store.refresh();
    const view = store.view();
    if (view) {
      checkMarked(view, customers, 37);
      looks++;
      if (!seen.has(view.asOf.calculationNo)) process.send?.({ seen: view.asOf.calculationNo });
      seen.add(view.asOf.calculationNo);
    }
    await nextTurn();
  }
  await store.close();
  process.send?.({ looks, loads: seen.size });
  process.disconnect();
}

async function loadForever(folder: string, customers: number): Promise<void> {
  const store = await openLmdbStore({ folder });
  for (let n = (store.view()?.asOf.calculationNo ?? 0) + 1; ; n++) {
    await loadMarked(store, n, customers, (step) => process.send?.({ step, n }));
  }
}

/** Opens a store as a user whom permissions bind, and tells the error's code. */
async function openAsOrdinaryUser(folder: string): Promise<void> {
  if (process.getuid?.() === 0) process.setuid!(65_534);
  const code = await openLmdbStore({ folder }).then(
    () => 'opened',
    (error) => error.code,
  );
  process.send?.({ code });
  process.disconnect();
}

const [mode, folder, customers] = process.argv.slice(2);
if (mode === 'read') await read(folder!, Number(customers));
if (mode === 'open') await openAsOrdinaryUser(folder!);
if (mode === 'load') await loadForever(folder!, Number(customers));
