/** `coterie simulate`: a made-up marketplace, the same for the same seed. */
import { Option } from 'commander';
import { formatMoment } from '../../model/time.ts';
import { defineCommand, type Invocation } from '../command.ts';
import { prepareDataFolder } from '../data-folder.ts';
import { suggestNext } from '../next-step.ts';
import { momentOption, wholeNumberOption } from '../option-parsers.ts';
import type { SimulateRequest } from '../parts.ts';
import { countOf, formatRough, formatSeconds } from '../words.ts';

interface SimulateOptions {
  readonly customers: number;
  readonly orders: number;
  readonly stores: number;
  readonly events: number;
  readonly scores?: boolean;
  readonly lists?: boolean;
  readonly seed: number;
  readonly to?: number;
}

/** What `simulate` and `start` make unless told otherwise: seconds of work. */
export const SMALL_MARKETPLACE = { customers: 20_000, orders: 1_000_000, stores: 800, seed: 1 } as const;

export const simulateCommand = defineCommand<SimulateOptions>({
  name: 'simulate',
  summary: 'make up a marketplace to try things on',
  description:
    'Fills an empty data folder with cities, brands, categories, stores, customers with traits, and orders:\n' +
    'customers join, repeat, lapse and return, stores open over time, as in real histories. The same\n' +
    'numbers, seed and end make the same history. 100 M orders take a minute or two. Events, scores and lists\n' +
    'come where they are asked for.',
  options: [
    wholeNumberOption('--customers <number>', 'customers', { atLeast: 1, atMost: 100_000_000 }).default(
      SMALL_MARKETPLACE.customers,
    ),
    wholeNumberOption('--orders <number>', 'orders', { atLeast: 0, atMost: 2_000_000_000 }).default(
      SMALL_MARKETPLACE.orders,
    ),
    wholeNumberOption('--stores <number>', 'stores', { atLeast: 1, atMost: 1_000_000 }).default(
      SMALL_MARKETPLACE.stores,
    ),
    wholeNumberOption('--events <number>', 'events, such as views and baskets', {
      atLeast: 0,
      atMost: 2_000_000_000,
    }).default(0),
    new Option('--scores', 'also scores of a model, churn'),
    new Option('--lists', 'also the lists vip and do-not-contact'),
    wholeNumberOption('--seed <number>', 'another history for another seed', {
      atLeast: 0,
      atMost: Number.MAX_SAFE_INTEGER,
    }).default(SMALL_MARKETPLACE.seed),
    momentOption('--to <moment>', 'the end of the history (default: now)'),
  ],
  examples: [
    { says: 'A small one', line: 'coterie simulate --data ./sandbox' },
    {
      says: 'The size of the benchmarks',
      line: 'coterie simulate --customers 2M --orders 100M --stores 50k --data ./large',
    },
  ],
  async run(call) {
    const { scores = false, lists = false, to = Math.floor(Date.now() / 1000), ...sizes } = call.options;
    const { customers, orders, stores, events, seed } = sizes;
    const request = { customers, orders, stores, events, scores, lists, seed, to };
    const seconds = await simulateInto(call, request);
    if (call.json) {
      await call.terminal.printJson({ ...request, to: formatMoment(request.to), seconds });
      return;
    }
    await call.terminal.print(
      `simulated ${countOf(customers, 'customer')}, ${countOf(stores, 'store')} and ${countOf(orders, 'order')} to ` +
        `${formatMoment(request.to)} in ${formatSeconds(seconds)} (${formatRough(orders / seconds)} orders/s)`,
    );
    suggestNext(call, 'apply <definitions>', 'calculate');
  },
});

/** Prepares the folder and simulates into it. @returns Seconds it took. */
export async function simulateInto(call: Invocation<unknown>, request: SimulateRequest): Promise<number> {
  await prepareDataFolder(call.config.data, { ifMissing: 'create', version: call.version });
  const startedAtMs = performance.now();
  await call.parts.simulate(call.config, request, call.progress.step);
  call.progress.stop();
  call.signal.throwIfAborted();
  return (performance.now() - startedAtMs) / 1000;
}
