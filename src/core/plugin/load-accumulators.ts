/** What a thread that evaluates needs of plug-ins: by source, what makes accumulators. */
import type { ConditionAccumulator } from '../../model/plugin-source.ts';
import { loadModule } from './load-module.ts';
import { callPlugin } from './plugin-call.ts';

type MakeAccumulator = (params: unknown, moment: number) => ConditionAccumulator;

/**
 * Loads modules, and takes their sources' accumulators. What one of them throws is `PLUGIN_FAILED`.
 *
 * @param modules - URLs.
 */
export async function loadAccumulators(
  modules: readonly string[],
): Promise<ReadonlyMap<string, MakeAccumulator>> {
  const found = new Map<string, MakeAccumulator>();
  for (const url of modules) {
    const { name, sources = [] } = await loadModule(url);
    for (const source of sources) {
      const where = `plug-in ${name}, source ${source.name}`;
      found.set(source.name, (params, moment) => {
        const made = callPlugin(`${where}, accumulator`, () =>
          source.condition.accumulator(params as never, moment),
        );
        return new GuardedAccumulator(made, where);
      });
    }
  }
  return found;
}

/** An accumulator whose failures say whose they are. */
class GuardedAccumulator implements ConditionAccumulator {
  readonly #made: ConditionAccumulator;
  readonly #where: string;

  constructor(made: ConditionAccumulator, where: string) {
    this.#made = made;
    this.#where = where;
  }

  begin(): void {
    callPlugin(`${this.#where}, begin`, () => this.#made.begin());
  }

  add(occurrence: Parameters<ConditionAccumulator['add']>[0]): void {
    // Once for every occurrence: no closure is made for it.
    try {
      this.#made.add(occurrence);
    } catch (error) {
      callPlugin(`${this.#where}, add`, () => {
        throw error;
      });
    }
  }

  holds(): boolean {
    return callPlugin(`${this.#where}, holds`, () => this.#made.holds());
  }
}
