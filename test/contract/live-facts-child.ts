/** A process that puts facts and takes them in, one batch after the other, until it is killed. */
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { order } from './engine-contract.ts';

/** Enough for several transactions now and then. */
const SIZES = [1, 50, 2_000, 40_000];
const CUSTOMERS = 500;

const pick = (count: number) => Math.floor(Math.random() * count);

const engine = new DuckDbEngine(await openDatabase({ folder: process.argv[2]!, memoryMiB: 512 }));
process.stdout.write('open\n');
const facts = await engine.openLiveFacts();
for (;;) {
  const size = SIZES[pick(SIZES.length)]!;
  const orders = Array.from({ length: size }, () =>
    order(`c${pick(CUSTOMERS)}`, `${pick(200)}`, {
      storeId: `s${pick(9)}`,
      orderedAt: pick(1e9),
      totalE4: pick(1e6),
      status: pick(9) === 0 ? 'cancelled' : 'completed',
    }),
  );
  const traits = [{ customerId: `c${pick(CUSTOMERS)}`, name: `x${pick(3)}`, value: `${pick(9)}` }];
  const events = Array.from({ length: pick(2_000) }, () => ({
    customerId: `c${pick(CUSTOMERS)}`,
    eventId: `${pick(1e9)}`,
    name: `e${pick(3)}`,
    occurredAt: pick(1e9),
    properties: pick(2) === 0 ? {} : { city: 'BCN', amount: `${pick(9)}` },
  }));
  // Versions only go on: one that comes back after others has the ledger built anew, as it should.
  const before = (await engine.models())[0]?.versions ?? [];
  const inForce = Number(before.find(({ isInForce }) => isInForce)?.version ?? 0);
  const scores = Array.from({ length: pick(200) }, () => ({
    customerId: `c${pick(CUSTOMERS)}`,
    model: 'churn',
    version: `${inForce + pick(2)}`,
    value: Math.random(),
  }));
  const listEntries = [{ customerId: `c${pick(CUSTOMERS)}`, list: 'vip', isListed: pick(3) > 0 }];
  await engine.put({ orders, traits, events, scores, listEntries });
  if (pick(4) === 0) {
    const next = (await engine.models())[0]?.versions.at(-1);
    if (next !== undefined) await engine.activateModelVersion('churn', next.version);
  }
  if (pick(5) === 0) await engine.compact();
  await facts.advance();
  process.stdout.write(`advanced ${facts.batchNo}\n`);
}
