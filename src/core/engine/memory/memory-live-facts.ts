/**
 * The oracle of live facts: every question is put to the engine anew, as of the mark. Slow and obvious on
 * purpose; drivers are held to it.
 */
import type { CustomerBatch } from '../../../model/membership.ts';
import type { Engine, RowNo } from '../engine.ts';
import type { FactBatch, ScanColumns } from '../fact-batch.ts';
import type { LiveFacts, TimeOffsets } from '../live-facts.ts';

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
    this.dictionarySize = await this.#countNames();
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

  async crossing(offsets: TimeOffsets, after: number, upTo: number): Promise<Uint32Array> {
    const crossing = new Set<RowNo>();
    const note = (customerNo: RowNo, time: number, offsetsS: readonly number[]) => {
      const crosses = offsetsS.some((offset) => time + offset > after && time + offset <= upTo);
      if (crosses) crossing.add(customerNo);
    };
    const { models, eventNames } = await this.#engine.dictionary(this.batchNo);
    const scoreNames = new Set(models.values());
    const columns: ScanColumns = {
      amounts: false,
      traits: true,
      uncounted: true,
      events: { names: [...eventNames.values()].sort((a, b) => a - b), properties: [] },
    };
    for await (const batch of this.#engine.scan({ columns, knownAt: this.batchNo })) {
      for (let i = 0; i < batch.orderCount; i++) {
        note(batch.customerNo[i]!, batch.orderedAt[i]!, offsets.orders);
      }
      for (let i = 0; i < batch.uncounted!.count; i++) {
        note(batch.uncounted!.customerNo[i]!, batch.uncounted!.orderedAt[i]!, offsets.orders);
      }
      for (let i = 0; i < batch.events!.count; i++) {
        note(batch.events!.customerNo[i]!, batch.events!.occurredAt[i]!, offsets.events);
      }
      for (let i = 0; i < batch.traitCount; i++) {
        const isScore = scoreNames.has(batch.traitNameNo![i]!);
        const ofSource = isScore ? offsets.scores : offsets.traits;
        note(batch.traitCustomerNo![i]!, batch.traitMoment![i]!, ofSource);
      }
      batch.release();
    }
    return Uint32Array.from(crossing).sort();
  }

  async *scan(customers: Uint32Array, columns: ScanColumns): AsyncGenerator<FactBatch> {
    yield* this.#engine.scan({ customers, columns, knownAt: this.batchNo });
  }

  async close(): Promise<void> {}

  /** Names, values, and the batch that last put a version of each model in force. */
  async #countNames(): Promise<number> {
    const { traitNames, lists, eventNames, traitValues, currencies } = await this.#engine.dictionary();
    const values = [...traitValues.values()].map((ofName) => ofName.size);
    const models = (await this.#engine.models()).map(({ versions }) => {
      const activated = versions.map(({ activatedBatchNo = 0 }) => activatedBatchNo);
      return versions.length + Math.max(...activated);
    });
    const names = [traitNames.size, lists.size, eventNames.size, currencies.size];
    return [...names, ...values, ...models].reduce((sum, count) => sum + count, 0);
  }
}
