/** `coterie apply`: definitions from files into the catalog, all of them or none. */
import { userInfo } from 'node:os';
import { Option } from 'commander';
import type { DryRunReport } from '../../core/core.ts';
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { readDefinitionFiles } from '../definition-files.ts';
import { suggestNext } from '../next-step.ts';
import { countOf, layOutTable } from '../words.ts';

interface ApplyOptions {
  readonly author?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

export const applyCommand = defineCommand<ApplyOptions>({
  name: 'apply',
  summary: 'define segments, from YAML, JSON or NDJSON',
  description:
    'Checks every definition and appends a new version of those that differ: all or none. Versions are\n' +
    'never edited; each keeps its author, time and reason. A running server takes them in within\n' +
    'about a second; without one, memberships follow when `coterie calculate` runs.\n' +
    '`coterie schema` prints the JSON Schema, for completion in an editor.',
  arguments: [
    {
      name: '<paths...>',
      help: 'files, folders of .yaml, .yml, .json, .ndjson files, or - for standard input',
    },
  ],
  options: [
    new Option('--author <name>', 'who defines them (default: the name of the user)'),
    new Option('--reason <text>', 'why, kept with the versions'),
    new Option('--dry-run', 'check as without it, say what would change, and change nothing'),
  ],
  examples: [
    { says: 'Everything in a folder', line: 'coterie apply examples/definitions' },
    { says: 'See what would change first', line: 'coterie apply segments.yaml --dry-run' },
    {
      says: 'From another program, with a reason',
      line: `echo '{"key":"vip","type":"recurrent","params":{"atLeast":10,"within":"90d"}}' \\\n  | coterie apply - --reason "summer campaign"`,
    },
  ],
  async run(call) {
    const definitions = await readDefinitionFiles(call.args, call);
    await withCore(call, { ifMissing: 'create' }, async (core) => {
      if (call.options.dryRun) {
        const changes = await core.dryRun(definitions);
        if (call.json) await call.terminal.printJson({ dryRun: true, ...changes });
        else await printChanges(call.terminal.print.bind(call.terminal), changes);
        return;
      }
      const report = await core.apply(definitions, {
        author: call.options.author ?? userInfo().username,
        at: Math.floor(Date.now() / 1000),
        ...(call.options.reason === undefined ? {} : { reason: call.options.reason }),
      });
      if (call.json) {
        await call.terminal.printJson(report);
        return;
      }
      await call.terminal.print(
        `${countOf(definitions.length, 'definition')}: ${report.added} added, ${report.changed} changed, ${report.unchanged} unchanged`,
      );
      suggestNext(call, 'calculate');
    });
  },
});

async function printChanges(
  print: (...lines: string[]) => Promise<void>,
  changes: DryRunReport,
): Promise<void> {
  const rows = [
    ...changes.added.map((key) => ({ change: 'add', key })),
    ...changes.changed.map((key) => ({ change: 'change', key })),
  ];
  if (rows.length > 0) {
    await print(
      ...layOutTable(rows, [
        { title: 'WOULD', value: (row) => row.change },
        { title: 'KEY', value: (row) => row.key },
      ]),
    );
  }
  await print(
    `${changes.added.length} to add, ${changes.changed.length} to change, ${changes.unchanged.length} unchanged; nothing was changed (dry run)`,
  );
}
