/** `coterie status`: what is known, what is defined, what was calculated. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withAsOfText } from '../../api/report.ts';
import type { StreamAnswer } from '../../client/client.ts';
import { formatMoment } from '../../model/time.ts';
import { defineCommand, type Invocation } from '../command.ts';
import { withCore } from '../core-access.ts';
import { readServerNote } from '../data-folder.ts';
import { suggestNext } from '../next-step.ts';
import { countOf, formatBytes, formatCount, formatSeconds } from '../words.ts';

const PINNED: [string, string] = ['pinned', 'serve stays at that moment until calculate without --at'];

export const statusCommand = defineCommand({
  name: 'status',
  summary: 'facts, definitions, the last calculation',
  description:
    'What the data folder holds, which server has the folder open, as of which moment memberships are served,\n' +
    'and what the last full pass found: ticks move on from there.',
  examples: [
    { says: 'The folder ./data', line: 'coterie status' },
    {
      says: 'Another folder, for a script',
      line: 'coterie status --data /var/lib/coterie --json | jq .facts',
    },
    { says: 'A server elsewhere', line: 'coterie status --url http://coterie.internal:8080' },
  ],
  async run(call) {
    const status = await withCore(call, { ifMissing: 'refuse' }, async (core) => ({
      facts: await core.factCounts(),
      definitions: (await core.segments({ limit: 1 })).total,
      calculation: (await core.lastCalculation()) ?? null,
    }));
    const place = await describePlace(call);
    // A server of an older version does not know of streams.
    const streams =
      place.server === null ? [] : await (await call.parts.connect(place.server)).streams().catch(() => []);
    const servedAsOf = status.calculation === null ? undefined : await findServedAsOf(call, place.server);
    if (call.json) {
      const { lastOrderAt } = status.facts;
      await call.terminal.printJson({
        ...place,
        ...status,
        facts: { ...status.facts, lastOrderAt: lastOrderAt === undefined ? null : formatMoment(lastOrderAt) },
        servedAsOf: servedAsOf === undefined ? null : formatMoment(servedAsOf),
        calculation: status.calculation && withAsOfText(status.calculation),
        streams,
      });
      return;
    }
    const { facts, definitions, calculation } = status;
    const lines: [string, string][] = [
      ['data', place.data === undefined ? '-' : `${place.data} (${formatBytes(place.bytes ?? 0)})`],
      ['server', place.server ?? 'none'],
      ['customers', formatCount(facts.customers)],
      ['stores', formatCount(facts.stores)],
      ['orders', formatCount(facts.orders)],
      ['traits', formatCount(facts.traits)],
      ['events', formatCount(facts.events)],
      ['scores', formatCount(facts.scores)],
      ['list entries', formatCount(facts.listEntries)],
      ['last order', facts.lastOrderAt === undefined ? '-' : formatMoment(facts.lastOrderAt)],
      ['definitions', formatCount(definitions)],
    ];
    if (calculation === null) lines.push(['calculated', 'never']);
    else {
      lines.push(
        ['served as of', servedAsOf === undefined ? '-' : formatMoment(servedAsOf)],
        ['calculated as of', formatMoment(calculation.asOf.moment)],
        ...(calculation.isPinned ? [PINNED] : []),
        ['segments', formatCount(calculation.segments)],
        ['memberships', `${formatCount(calculation.memberships)} then`],
        ['took', formatSeconds(calculation.seconds)],
      );
    }
    for (const stream of streams) lines.push(['stream', describeStream(stream)]);
    await call.terminal.print(...lines.map(([title, value]) => `${title.padEnd(18)}${value}`));
    // Behind a server that ticks, memberships follow by themselves.
    const isBehind =
      calculation === null || (place.server === null && calculation.asOf.batchNo < facts.batchNo);
    if (facts.orders === 0 && facts.customers === 0) suggestNext(call, 'import <file> --as orders');
    else if (definitions === 0) suggestNext(call, 'apply <definitions>');
    else if (isBehind) suggestNext(call, 'calculate');
    else suggestNext(call, 'segments', place.server === null ? 'serve' : 'check <customer> <segments>');
  },
});

/** Where ticks are; undefined where it cannot be told. */
async function findServedAsOf(call: Invocation<unknown>, server: string | null): Promise<number | undefined> {
  if (server !== null) return (await call.parts.connect(server)).servedAsOf().catch(() => undefined);
  const store = await call.parts.openStore(call.config);
  try {
    return store.view()?.asOf.moment;
  } finally {
    await store.close();
  }
}

function describeStream({ source, state, lagMessages, rejected, failure }: StreamAnswer): string {
  const parts = [`${source}: ${state}`];
  if (lagMessages !== undefined) parts.push(`${countOf(lagMessages, 'message')} behind`);
  if (rejected > 0) parts.push(`${countOf(rejected, 'row')} set aside since its start`);
  if (failure !== undefined) parts.push(failure);
  return parts.join(', ');
}

async function describePlace(
  call: Invocation<unknown>,
): Promise<{ readonly data?: string; readonly bytes?: number; readonly server: string | null }> {
  if (call.config.url !== undefined) return { server: call.config.url };
  const note = await readServerNote(call.config.data);
  return { data: call.config.data, bytes: await folderBytes(call.config.data), server: note?.url ?? null };
}

/** Bytes on disk of all files below a folder; files that vanish meanwhile count nothing. */
async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    const entry = await stat(join(folder, name)).catch(() => undefined);
    // Blocks of 512 bytes: a sparse file takes less than its length.
    if (entry?.isFile()) bytes += Math.min(entry.size, entry.blocks * 512);
  }
  return bytes;
}
