/**
 * A running server as commands see it: the client's answers in the shapes of the Core, so that a command
 * does not care which of the two it asks.
 */
import type { Mark, SegmentVersion } from '../client/client.ts';
import { CoterieClient } from '../client/client.ts';
import type { SegmentFilter } from '../core/core.ts';
import type { AsOf } from '../model/membership.ts';
import type { DefinitionVersion, SegmentStatus } from '../model/segment.ts';
import { formatMoment, parseMoment } from '../model/time.ts';
import type { RemoteServer } from './parts.ts';

/** Most definitions of one page of the API. */
const PAGE_ITEMS_MAX = 10_000;

/** A list may have millions of ids, and a sample that is verified takes as long as the facts are many. */
const HOUR_MS = 3_600_000;

/** Connects to nothing yet: every question is a request. */
export function remoteServer(url: string): RemoteServer {
  const client = new CoterieClient({ url });
  return {
    async check(customer, segments) {
      // Without a fallback there is no answer that reflects nothing.
      const { memberships, unknown, asOf, mark } = await client.check(customer, segments);
      return { customer, memberships, unknown, asOf: asOf!, mark: mark! };
    },
    async verify(request) {
      const answer = await client.verify({ ...request, timeoutMs: HOUR_MS });
      const examples = answer.examples.map((pair) => ({ served: undefined, ...pair }));
      return withAsOf({ ...answer, examples });
    },
    servedAsOf: async () => parseMoment((await client.ready()).asOf),
    streams: () => client.streams(),
    sendFactLines: (source, lines, options) => client.sendFactLines(source, lines, options),
    replaceListLines: (list, lines, options) =>
      client.replaceListLines(list, lines, { ...options, timeoutMs: HOUR_MS }),
    models: () => client.models(),
    activateModelVersion: (model, version) => client.activateModelVersion(model, version),
    lists: async (name) => (await client.lists()).filter(({ list }) => name === undefined || list === name),
    apply: (definitions, { author, reason }) =>
      client.apply(definitions, { author, ...(reason === undefined ? {} : { reason }) }),
    dryRun: (definitions) => client.dryRun(definitions),
    async segment(key) {
      const version = await client.segment(key);
      return version && versionOf(version);
    },
    segments: (filter) => findSegments(client, filter),
    async calculate({ moment, signal }, progress) {
      const answer = await client.calculate({
        ...(moment === undefined ? {} : { at: formatMoment(moment) }),
        ...(progress === undefined ? {} : { onProgress: progress }),
        ...(signal === undefined ? {} : { signal }),
      });
      return withAsOf(answer);
    },
    async lastCalculation() {
      const { last } = await client.calculations();
      return last === null ? undefined : withAsOf(last);
    },
    size: async (key) => withAsOf(await client.size(key)),
    members: (key) => client.memberBlocks(key),
    overlap: async (keys) => withAsOf(await client.overlap(keys)),
    preview: async (definition, beside = []) => withAsOf(await client.preview(definition, { beside })),
    explain: async (customer, key, moment) =>
      withAsOf(await client.explain(customer, key, moment === undefined ? {} : { at: formatMoment(moment) })),
    eraseCustomer: (customer) => client.forgetCustomer(customer),
    readmitCustomer: (customer) => client.readmitCustomer(customer),
    async factCounts() {
      const { lastOrderAt, ...counts } = await client.factCounts();
      return { ...counts, ...(lastOrderAt === undefined ? {} : { lastOrderAt: parseMoment(lastOrderAt) }) };
    },
  };
}

async function findSegments(client: CoterieClient, { limit, after: _, status, ...filter }: SegmentFilter) {
  const items: DefinitionVersion[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await client.segments({
      ...filter,
      ...(status === undefined ? {} : { status: status as SegmentStatus }),
      ...(cursor === undefined ? {} : { cursor }),
      limit: Math.min(limit - items.length, PAGE_ITEMS_MAX),
    });
    items.push(...page.items.map(versionOf));
    cursor = page.next;
    if (cursor === undefined || items.length >= limit) {
      return {
        items,
        total: page.total,
        ...(cursor === undefined ? {} : { next: items.at(-1)!.definition.key }),
      };
    }
  }
}

function versionOf({ key: _, at, ...version }: SegmentVersion): DefinitionVersion {
  return { ...version, at: parseMoment(at) };
}

function withAsOf<T extends { readonly asOf: string; readonly mark: Mark }>(
  answer: T,
): Omit<T, 'asOf' | 'mark'> & { readonly asOf: AsOf } {
  const { asOf, mark, ...rest } = answer;
  return { ...rest, asOf: { moment: parseMoment(asOf), ...mark } };
}
