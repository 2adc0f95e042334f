/** `coterie segments`: the definitions, filtered. */

import { Option } from 'commander';
import { versionAnswer } from '../../api/report.ts';
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { suggestNext } from '../next-step.ts';
import { wholeNumberOption } from '../option-parsers.ts';
import { countOf, layOutTable } from '../words.ts';

interface SegmentsOptions {
  readonly q?: string;
  readonly owner?: string;
  readonly tag?: string;
  readonly type?: string;
  readonly status?: string;
  readonly limit: number;
}

export const segmentsCommand = defineCommand<SegmentsOptions>({
  name: 'segments',
  summary: 'list the definitions',
  description:
    'Lists definitions by key. A family stands for one segment for each store, brand, city or category.',
  options: [
    new Option('--q <text>', 'part of the key or name'),
    new Option('--owner <owner>', 'of this owner'),
    new Option('--tag <tag>', 'with this tag'),
    new Option('--type <type>', 'of this type'),
    new Option('--status <status>', 'with this status').choices(['active', 'paused', 'archived']),
    wholeNumberOption('--limit <number>', 'most definitions to list', {
      atLeast: 1,
      atMost: 1_000_000,
    }).default(100),
  ],
  examples: [
    { says: 'The first hundred', line: 'coterie segments' },
    {
      says: 'What marketing owns in Barcelona',
      line: 'coterie segments --owner marketing-es --tag barcelona',
    },
    { says: 'Every key', line: "coterie segments --limit 1000000 --json | jq -r '.items[].key'" },
  ],
  async run(call) {
    const { q, owner, tag, type, status, limit } = call.options;
    const filter = Object.fromEntries(
      Object.entries({ q, owner, tag, type, status }).filter(([, value]) => value !== undefined),
    );
    const page = await withCore(call, { ifMissing: 'refuse' }, (core) => core.segments({ ...filter, limit }));
    if (call.json) {
      await call.terminal.printJson({ ...page, items: page.items.map(versionAnswer) });
      return;
    }
    await call.terminal.print(
      ...layOutTable(page.items, [
        { title: 'KEY', value: ({ definition }) => definition.key },
        { title: 'TYPE', value: ({ definition }) => definition.type },
        { title: 'FOR EACH', value: ({ definition }) => definition.forEach ?? '' },
        { title: 'STATUS', value: ({ definition }) => definition.status ?? 'active' },
        { title: 'OWNER', value: ({ definition }) => definition.owner ?? '' },
        { title: 'TAGS', value: ({ definition }) => (definition.tags ?? []).join(', ') },
        { title: 'VERSION', value: ({ version }) => version },
        { title: 'NAME', value: ({ definition }) => definition.name ?? '' },
      ]),
    );
    call.terminal.note(
      page.next === undefined
        ? countOf(page.total, 'definition')
        : `${page.items.length} of ${countOf(page.total, 'definition')}: more with --limit`,
    );
    if (page.total > 0) suggestNext(call, 'size <key>', 'members <key>');
  },
});
