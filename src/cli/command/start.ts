/**
 * `coterie start`: the whole job on an example, from an empty folder to a server with something to ask.
 * What is there already is used: a second start serves at once.
 */
import { fileURLToPath } from 'node:url';
import type { Core } from '../../core/core.ts';
import type { SegmentEntry } from '../../model/membership.ts';
import { formatMoment } from '../../model/time.ts';
import { defineCommand, type Invocation } from '../command.ts';
import { withLocalCore } from '../core-access.ts';
import { readDefinitionFiles } from '../definition-files.ts';
import { checkPort } from '../listen.ts';
import { commandLine, shellWord } from '../next-step.ts';
import { countOf, formatSeconds } from '../words.ts';
import { describeCalculation } from './calculate.ts';
import { serveUntilStopped } from './serve.ts';
import { SMALL_MARKETPLACE, simulateInto } from './simulate.ts';

/** Definitions that come with Coterie. */
const EXAMPLE_DEFINITIONS = fileURLToPath(new URL('../../../examples/definitions', import.meta.url));

/** So that there is something to see of every kind of fact. */
const OTHER_FACTS = { events: 100_000, scores: true, lists: true } as const;

/** Of the example definitions, those by events, by scores and by lists. */
const BY_OTHER_FACTS = ['baskets-left', 'likely-to-leave', 'vip-to-write-to'];

/** Windows move with time: an older calculation is repeated at the start. */
const CALCULATION_AGE_MAX_S = 3600;

export const startCommand = defineCommand({
  name: 'start',
  summary: 'from nothing to a server with an example marketplace',
  description:
    'In an empty data folder: simulates a small marketplace, applies the definitions of examples/definitions\n' +
    '(some thousands of segments), calculates and serves, and prints what to try. In a folder that has facts\n' +
    'or definitions it uses those. About half a minute the first time, seconds later.',
  onStop: 'abort',
  examples: [
    { says: 'On port 8080, data in ./data', line: 'coterie start' },
    { says: 'Elsewhere', line: 'coterie start --port 9000 --data /tmp/try-coterie' },
  ],
  async run(call) {
    await checkPort({ host: call.config.host, port: call.config.port });
    await fillIfEmpty(call);
    const tryOut = await bringUpToDate(call);
    // People read this terminal: lines of a log only where something is wrong.
    const logLevel = call.config.logLevel === 'info' ? 'warn' : call.config.logLevel;
    await serveUntilStopped({ ...call, config: { ...call.config, logLevel } }, async (server) => {
      if (call.json) {
        await call.terminal.printJson({
          url: server.url,
          pid: process.pid,
          tryOut: { ...tryOut, lines: describeTryOut(call, server.url, tryOut) },
        });
        return;
      }
      const lines = describeTryOut(call, server.url, tryOut);
      await call.terminal.print('', `serving at ${server.url}; Ctrl-C stops`, '', ...lines);
    });
  },
});

async function fillIfEmpty(call: Invocation<unknown>): Promise<void> {
  const counts = await withLocalCore(call, { ifMissing: 'create' }, (core) => core.factCounts());
  if (counts.customers > 0 || counts.stores > 0) {
    tell(
      call,
      `${call.config.data} has ${countOf(counts.customers, 'customer')} and ${countOf(counts.orders, 'order')}`,
    );
    return;
  }
  tell(call, `simulating a small marketplace in ${call.config.data} …`);
  const request = { ...SMALL_MARKETPLACE, ...OTHER_FACTS, to: Math.floor(Date.now() / 1000) };
  const seconds = await simulateInto(call, request);
  tell(
    call,
    `simulated ${countOf(request.customers, 'customer')}, ${countOf(request.stores, 'store')}, ` +
      `${countOf(request.orders, 'order')} and ${countOf(request.events, 'event')}, with scores and lists, in ` +
      formatSeconds(seconds),
  );
}

/** Applies the example definitions where there are none, and calculates where that is due. */
async function bringUpToDate(call: Invocation<unknown>): Promise<TryOut | undefined> {
  return withLocalCore(call, { ifMissing: 'create' }, async (core) => {
    let isChanged = false;
    if ((await core.segments({ limit: 1 })).total === 0) {
      const definitions = await readDefinitionFiles([EXAMPLE_DEFINITIONS], call);
      await core.apply(definitions, {
        author: 'coterie start',
        at: Math.floor(Date.now() / 1000),
        reason: 'the definitions that come with Coterie',
      });
      isChanged = true;
      tell(
        call,
        `defined ${countOf(definitions.length, 'segment or family', 'segments and families')}, from examples/definitions`,
      );
    }
    const [last, facts] = [await core.lastCalculation(), await core.factCounts()];
    const isOld = last === undefined || Date.now() / 1000 - last.asOf.moment > CALCULATION_AGE_MAX_S;
    if (!isChanged && !isOld && last.asOf.batchNo === facts.batchNo) {
      tell(call, `calculated already, as of ${formatMoment(last.asOf.moment)}`);
    } else {
      const report = await core.calculate({ signal: call.signal }, call.progress.step);
      tell(call, ...describeCalculation(report));
    }
    return pickTryOut(call, core);
  });
}

function tell(call: Invocation<unknown>, ...lines: readonly string[]): void {
  call.progress.stop();
  call.terminal.note(...lines);
}

/** A real customer and segments to ask about. */
interface TryOut {
  readonly customer: string;
  /** An instance of a family that the customer is in. */
  readonly segment: string;
  /** That one, others at the same place, and a rule. */
  readonly segments: readonly string[];
  /** Segments by events, scores and lists; none where they are not defined. */
  readonly others: readonly string[];
}

/** The first member of the segment at one place that differs most from its default, preferring regulars. */
async function pickTryOut(call: Invocation<unknown>, core: Core): Promise<TryOut | undefined> {
  const store = await call.parts.openStore(call.config);
  let entries: readonly SegmentEntry[];
  try {
    entries = store.view()?.directory.entries ?? [];
  } finally {
    await store.close();
  }
  const instances = entries.filter(({ defaultMember, stores }) => !defaultMember && stores?.length === 1);
  const chosen =
    mostExceptions(instances.filter(({ type }) => type === 'recurrent')) ??
    mostExceptions(instances) ??
    mostExceptions(entries);
  if (chosen === undefined || (chosen.exceptions ?? 0) === 0) return undefined;
  const at = chosen.key.indexOf('@');
  const place = at < 0 ? undefined : chosen.key.slice(at);
  const beside = entries.filter(
    (entry) =>
      entry !== chosen && place !== undefined && entry.key.endsWith(place) && entry.type !== chosen.type,
  );
  const rule = mostExceptions(entries.filter(({ type, key }) => type === 'rule' && !key.includes('@')));
  const segments = [chosen, ...beside.slice(0, 2), ...(rule === undefined ? [] : [rule])].map(
    ({ key }) => key,
  );
  const others = BY_OTHER_FACTS.filter((key) => entries.some((entry) => entry.key === key));
  for await (const [customer] of core.members(chosen.key)) {
    if (customer !== undefined) return { customer, segment: chosen.key, segments, others };
  }
  return undefined;
}

/** Lines that work when pasted. */
function describeTryOut(call: Invocation<unknown>, url: string, tryOut: TryOut | undefined): string[] {
  if (tryOut === undefined) return [`API: ${url}/docs`];
  const { customer, segment, segments, others } = tryOut;
  const get = (path: string) => `  curl -sw '\\n' ${shellWord(`${url}${path}`)}`;
  const post = (path: string, body: unknown) =>
    `  curl -sw '\\n' ${shellWord(`${url}${path}`)} -H 'content-type: application/json' -d ${shellWord(JSON.stringify(body))}`;
  const id = encodeURIComponent(customer);
  return [
    'Try, in another terminal:',
    '  # is this customer in these segments?',
    get(`/v1/check?customer=${id}&segments=${segments.join(',')}`),
    post('/v1/check', { customer, segments }),
    ...(others.length === 0
      ? []
      : [
          '  # and in these, by events, the scores of a model, and lists?',
          get(`/v1/check?customer=${id}&segments=${others.join(',')}`),
        ]),
    '  # which segments is the customer in?',
    get(`/v1/customers/${id}/segments?limit=5`),
    '  # why?',
    get(`/v1/customers/${id}/explain?segment=${segment}`),
    '  # how many are in a segment, and who?',
    get(`/v1/segments/${segment}/size`),
    `${get(`/v1/segments/${segment}/members`)} | head -5`,
    '  # how large would another segment be?',
    post('/v1/segments/preview', { key: 'idea', type: 'recurrent', params: { atLeast: 5, within: '30d' } }),
    '',
    `API: ${url}/docs`,
    `On the command line: ${commandLine(call, `check ${shellWord(customer)} ${segment}`)}`,
    'The definitions are in examples/definitions; change them, then:',
    `  ${commandLine(call, 'apply examples/definitions')} && ${commandLine(call, 'calculate')}`,
  ];
}

function mostExceptions(entries: readonly SegmentEntry[]): SegmentEntry | undefined {
  return entries.reduce<SegmentEntry | undefined>(
    (best, entry) => (best === undefined || (entry.exceptions ?? 0) > (best.exceptions ?? 0) ? entry : best),
    undefined,
  );
}
