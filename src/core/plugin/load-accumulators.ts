/** What a thread that evaluates needs of plug-ins: by source, what makes accumulators. */
import type { CoterieError } from '../../model/error.ts';
import type { ConditionAccumulator } from '../../model/plugin-source.ts';
import { loadModule } from './load-module.ts';
import { callPlugin, pluginFailed } from './plugin-call.ts';

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

  // Called for every customer and occurrence: no closure is made.
  begin(): void {
    try {
      this.#made.begin();
    } catch (error) {
      throw this.#failed('begin', error);
    }
  }

  add(occurrence: Parameters<ConditionAccumulator['add']>[0]): void {
    try {
      this.#made.add(occurrence);
    } catch (error) {
      throw this.#failed('add', error);
    }
  }

  holds(): boolean {
    try {
      return this.#made.holds();
    } catch (error) {
      throw this.#failed('holds', error);
    }
  }

  #failed(call: string, error: unknown): CoterieError {
    return pluginFailed(
      `${this.#where}, ${call}`,
      error instanceof Error ? error.message : String(error),
      error,
    );
  }
}
