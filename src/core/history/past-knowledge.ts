/**
 * What was known as of a past moment. Invariant: as of a moment that was served it is what was served then
 * (of several ticks within one second, by the last), whenever facts were received and wherever the clock
 * went. As of a moment between, it is what had been received and applied by then.
 */
import type { AsOf } from '../../model/membership.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Engine } from '../engine/engine.ts';
import type { AsOfLog, AsOfRun } from './as-of-log.ts';

/** What is noted is written so often; what a crash loses is known by the time of receipt. */
const WRITE_PERIOD_S = 60;

export class PastKnowledge {
  readonly #parts: PastKnowledgeParts;
  /** What is served now. It grows with each tick, and ends when other facts or definitions are served. */
  #open: AsOfRun | undefined;
  /** Ended, and not written yet. */
  #ended: AsOfRun[] = [];
  #writtenAt = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: PastKnowledgeParts) {
    this.#parts = parts;
  }

  /** Takes note of what is served from now on, as of the moment at which it is. */
  async note({ moment, batchNo, catalogNo }: AsOf): Promise<void> {
    const open = this.#open;
    // Neither ever goes back, so whatever was served since the run began knew the same.
    const isSame = open?.batchNo === batchNo && open.catalogNo === catalogNo;
    if (open !== undefined && !isSame) this.#ended.push(open);
    this.#open = { from: isSame ? open.from : moment, until: moment, batchNo, catalogNo };
    if (this.#ended.length === 0 || moment - this.#writtenAt < WRITE_PERIOD_S) return;
    this.#writtenAt = moment;
    await this.#write();
  }

  /** Writes all that was noted. What fails to be written is kept for the next time. */
  async flush(): Promise<void> {
    if (this.#open !== undefined) this.#ended.push(this.#open);
    this.#open = undefined;
    await this.#write();
  }

  #write(): Promise<void> {
    const write = async () => {
      const runs = [...this.#ended];
      if (runs.length === 0) return;
      await this.#parts.log?.append(runs);
      this.#ended = this.#ended.slice(runs.length);
    };
    const result = this.#writing.then(write);
    this.#writing = result.catch(() => {});
    return result;
  }

  /** What was known as of a moment; no full pass stands behind it, so that its `calculationNo` is 0. */
  async at(moment: number): Promise<AsOf> {
    const { engine, catalog, log } = this.#parts;
    const noted = [...this.#ended, ...(this.#open ? [this.#open] : [])];
    const run = noted.findLast(({ from }) => from <= moment) ?? (await log?.at(moment));
    if (run !== undefined && moment <= run.until) {
      return { moment, batchNo: run.batchNo, catalogNo: run.catalogNo, calculationNo: 0 };
    }
    const [batchNo, catalogNo] = await Promise.all([engine.lastBatchNo(moment), catalog.catalogNo(moment)]);
    return {
      moment,
      batchNo: Math.max(batchNo, run?.batchNo ?? 0),
      catalogNo: Math.max(catalogNo, run?.catalogNo ?? 0),
      calculationNo: 0,
    };
  }
}

export interface PastKnowledgeParts {
  readonly engine: Pick<Engine, 'lastBatchNo'>;
  readonly catalog: Pick<Catalog, 'catalogNo'>;
  /** Absent: what was noted is known as long as the process lives. */
  readonly log?: AsOfLog | undefined;
}
