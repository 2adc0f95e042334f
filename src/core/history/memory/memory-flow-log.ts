/** The record of flows in memory: the oracle of the DuckDB one. */
import type { FlowBlock, FlowLog, FlowMark, HourFlow } from '../flow-log.ts';

export class MemoryFlowLog implements FlowLog {
  #blocks: FlowBlock[] = [];

  async append(block: FlowBlock): Promise<void> {
    this.#blocks.push(structuredClone(block));
  }

  async mark(): Promise<FlowMark | undefined> {
    const last = this.#blocks.at(-1);
    return last && { at: last.at, position: last.position };
  }

  async rewind(hour: number): Promise<void> {
    this.#blocks = this.#blocks.filter((block) => block.hour < hour);
  }

  async flows(segmentNo: number, until: number): Promise<readonly HourFlow[]> {
    const hours = new Map<number, HourFlow>();
    for (const { hour, at, flows } of this.#blocks) {
      const flow = flows.find((one) => one.segmentNo === segmentNo);
      if (!flow || hour >= until) continue;
      const known = hours.get(hour);
      const state = flow.state ? { ...flow.state, at } : known?.state;
      hours.set(hour, {
        hour,
        entries: (known?.entries ?? 0) + flow.entries,
        exits: (known?.exits ?? 0) + flow.exits,
        ...(state ? { state } : {}),
      });
    }
    return [...hours.values()];
  }

  async customers(until: number) {
    const hours = new Map<number, { readonly at: number; readonly customers: number }>();
    for (const { hour, at, customers } of this.#blocks) {
      if (hour < until) hours.set(hour, { at, customers });
    }
    return [...hours.values()];
  }
}
