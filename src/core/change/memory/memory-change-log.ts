/** The change log as a list in memory, for tests: slow and obvious, the oracle that other drivers are held to. */
import type { ChangeLog, LoggedChange, TickChanges } from '../change-log.ts';

/** Opens an empty log. */
export function openMemoryChangeLog(): ChangeLog {
  return new MemoryChangeLog();
}

interface KeptTick extends TickChanges {
  readonly firstPosition: number;
  readonly logged: readonly LoggedChange[];
}

class MemoryChangeLog implements ChangeLog {
  position = 0;
  #ticks: readonly KeptTick[] = [];

  async append(tick: TickChanges): Promise<void> {
    if (tick.changes.length === 0) return;
    const { at, batchNo, changes } = tick;
    const firstPosition = this.position + 1;
    const logged = changes.map((change, i) => ({ ...change, at, batchNo, position: firstPosition + i }));
    this.#ticks = [...this.#ticks, { ...tick, firstPosition, logged }];
    this.position += changes.length;
  }

  async truncate(reflected: { moment: number; batchNo: number; catalogNo: number }): Promise<void> {
    const isBeyond = ({ at, batchNo, catalogNo }: KeptTick) =>
      at > reflected.moment || batchNo > reflected.batchNo || catalogNo > reflected.catalogNo;
    let kept = this.#ticks.length;
    while (kept > 0 && isBeyond(this.#ticks[kept - 1]!)) kept--;
    this.#ticks = this.#ticks.slice(0, kept);
  }

  async read(after: number, limit: number): Promise<readonly LoggedChange[]> {
    return this.#logged()
      .filter(({ position }) => position > after)
      .slice(0, limit);
  }

  async ofCustomer(customerNo: number): Promise<readonly LoggedChange[]> {
    return this.#logged().filter((change) => change.customerNo === customerNo);
  }

  async oldestPosition(): Promise<number> {
    return this.#ticks[0]?.firstPosition ?? this.position + 1;
  }

  async retain(since: number): Promise<void> {
    let gone = 0;
    while (gone < this.#ticks.length && this.#ticks[gone]!.at < since) gone++;
    this.#ticks = this.#ticks.slice(gone);
  }

  async forget(customerNo: number): Promise<void> {
    this.#ticks = this.#ticks.map((tick) => ({
      ...tick,
      logged: tick.logged.filter((change) => change.customerNo !== customerNo),
    }));
  }

  async close(): Promise<void> {}

  #logged(): LoggedChange[] {
    return this.#ticks.flatMap(({ logged }) => logged);
  }
}
