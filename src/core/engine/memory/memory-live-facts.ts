/**
 * The oracle of live facts: every question is put to the engine anew, as of the mark. Slow and obvious on
 * purpose; drivers are held to it.
 */
import type { CustomerBatch } from '../../../model/membership.ts';
import type { Engine, RowNo } from '../engine.ts';
import type { FactBatch, ScanColumns } from '../fact-batch.ts';
import type { LiveFacts } from '../live-facts.ts';

/** Live facts of any engine, at its last batch. */
export async function openMemoryLiveFacts(engine: Engine): Promise<MemoryLiveFacts> {
  const facts = new MemoryLiveFacts(engine);
  await facts.advance();
  return facts;
}

export class MemoryLiveFacts implements LiveFacts {
  readonly #engine: Engine;
  batchNo = 0;
  storesBatchNo = 0;
  dictionarySize = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async advance(): Promise<void> {
    const { batchNo } = await this.#engine.counts();
    for (let no = this.batchNo + 1; no <= batchNo; no++) {
      const [before, after] = [await this.#engine.storeTable(no - 1), await this.#engine.storeTable(no)];
      if (JSON.stringify(before) !== JSON.stringify(after)) this.storesBatchNo = no;
    }
    const { traitNames, traitValues, currencies } = await this.#engine.dictionary();
    const values = [...traitValues.values()].reduce((sum, ofName) => sum + ofName.size, 0);
    this.dictionarySize = traitNames.size + values + currencies.size;
    this.batchNo = batchNo;
  }

  async received(
    after: number,
  ): Promise<{ readonly customers: Uint32Array; readonly newCustomers: CustomerBatch }> {
    const customers = await this.#engine.affectedCustomers(after, this.batchNo);
    const before = new Set<RowNo>();
    for await (const { customerNos } of this.#engine.customers(after)) {
      for (const customerNo of customerNos) before.add(customerNo);
    }
    const ids: string[] = [];
    const customerNos: RowNo[] = [];
    for await (const batch of this.#engine.customers(this.batchNo)) {
      batch.ids.forEach((id, i) => {
        if (before.has(batch.customerNos[i]!)) return;
        ids.push(id);
        customerNos.push(batch.customerNos[i]!);
      });
    }
    return { customers, newCustomers: { ids, customerNos: Uint32Array.from(customerNos) } };
  }

  async crossing(windowsS: readonly number[], after: number, upTo: number): Promise<Uint32Array> {
    const crossing = new Set<RowNo>();
    const columns = { amounts: false, traits: false };
    for await (const batch of this.#engine.scan({ columns, knownAt: this.batchNo })) {
      for (let i = 0; i < batch.orderCount; i++) {
        const crosses = windowsS.some((window) => {
          const due = batch.orderedAt[i]! + window;
          return due > after && due <= upTo;
        });
        if (crosses) crossing.add(batch.customerNo[i]!);
      }
      batch.release();
    }
    return Uint32Array.from(crossing).sort();
  }

  async *scan(customers: Uint32Array, columns: ScanColumns): AsyncGenerator<FactBatch> {
    yield* this.#engine.scan({ customers, columns, knownAt: this.batchNo });
  }

  async close(): Promise<void> {}
}
