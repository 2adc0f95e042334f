/** `coterie preview`: how large would these segments be? Nothing is saved. */
import { withAsOfText } from '../../api/report.ts';
import type { PreviewReport } from '../../core/core.ts';
import type { Definition } from '../../model/segment.ts';
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { readDefinitionFiles } from '../definition-files.ts';
import { suggestNext } from '../next-step.ts';
import { countOf, formatCount, formatSeconds, formatShare, visible } from '../words.ts';

export const previewCommand = defineCommand({
  name: 'preview',
  summary: 'size and sample of definitions that are not saved',
  description:
    'Evaluates definitions over the facts and prints exact sizes and a few members; for a key that is\n' +
    'in force, also how many would enter, leave and stay. Segments of the same files may refer to each\n' +
    'other. Nothing is saved.',
  arguments: [{ name: '<paths...>', help: 'files or folders of definitions, or - for standard input' }],
  examples: [
    { says: 'A file', line: 'coterie preview idea.yaml' },
    {
      says: 'Straight from the keyboard',
      line: `echo '{key: idea, type: recurrent, params: {atLeast: 5, within: 30d}}' | coterie preview -`,
    },
    { says: 'Only the size', line: 'coterie preview idea.yaml --json | jq .size' },
  ],
  async run(call) {
    const definitions = await readDefinitionFiles(call.args, call);
    const byKey = new Map(definitions.map((definition) => [definition.key, definition]));
    await withCore(call, { ifMissing: 'refuse' }, async (core) => {
      for (const definition of definitions) {
        const report = await core.preview(definition, mentionedIn(definition, byKey));
        if (call.json) await call.terminal.printJson({ key: definition.key, ...withAsOfText(report) });
        else await call.terminal.print(...describePreview(definition.key, report));
        call.terminal.note(
          ...(report.warnings ?? []).map((warning) => `warning: ${definition.key}: ${warning}`),
        );
      }
    });
    suggestNext(call, `apply ${call.args.join(' ')}`);
  },
});

/**
 * The definitions that one may refer to, however far: a reference is a text somewhere in it. The others of a
 * large file need not be sent and checked with each.
 */
function mentionedIn(definition: Definition, byKey: ReadonlyMap<string, Definition>): Definition[] {
  const found = new Set([definition]);
  // Grows while it is walked over: each is added once.
  for (const { params } of found) {
    JSON.stringify(params, (_, value: unknown) => {
      const mentioned = typeof value === 'string' ? byKey.get(value.split('@', 1)[0]!) : undefined;
      if (mentioned !== undefined) found.add(mentioned);
      return value;
    });
  }
  found.delete(definition);
  return [...found];
}

function describePreview(key: string, report: PreviewReport): string[] {
  const of = report.segments === 1 ? '' : ` in any of ${formatCount(report.segments)} instances`;
  return [
    `${key}: ${countOf(report.size, 'customer')} of ${formatCount(report.customers)} (${formatShare(report.size, report.customers)})${of}, ${formatSeconds(report.seconds)}`,
    ...(report.compared
      ? [
          `  instead of version ${report.compared.version}: ${countOf(report.compared.entrants, 'customer')} would enter, ` +
            `${formatCount(report.compared.leavers)} leave, ${formatCount(report.compared.stay)} stay`,
        ]
      : []),
    ...(report.sample.length > 0 ? [`  such as ${report.sample.slice(0, 8).map(visible).join(', ')}`] : []),
  ];
}
