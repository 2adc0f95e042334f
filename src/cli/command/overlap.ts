/** `coterie overlap`: how many customers do segments share? */
import { withAsOfText } from '../../api/report.ts';
import { formatMoment } from '../../model/time.ts';
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { countOf, formatCount, layOutTable } from '../words.ts';

export const overlapCommand = defineCommand({
  name: 'overlap',
  summary: 'how many customers segments share',
  description:
    'Sizes of each pair of segments, of all together and of any: exact, as of the last calculation.',
  arguments: [{ name: '<segments...>', help: 'keys of one or more segments' }],
  examples: [
    {
      says: 'Do two campaigns reach the same people?',
      line: 'coterie overlap lapsed-big-spender weekend-regulars',
    },
    { says: 'Three at once, for a script', line: 'coterie overlap a b c --json | jq .all' },
  ],
  async run(call) {
    const report = await withCore(call, { ifMissing: 'refuse' }, (core) => core.overlap(call.args));
    if (call.json) {
      await call.terminal.printJson(withAsOfText(report));
      return;
    }
    const rows = report.keys.map((key, index) => ({ key, pairs: report.pairs[index] ?? [] }));
    await call.terminal.print(
      ...layOutTable(rows, [
        { title: 'IN BOTH', value: (row) => row.key },
        ...report.keys.map((key, index) => ({
          title: key,
          value: (row: (typeof rows)[number]) => row.pairs[index] ?? 0,
        })),
      ]),
      '',
      `in all ${formatCount(report.all)}, in any ${formatCount(report.any)}, of ${countOf(report.customers, 'customer')}`,
    );
    call.terminal.note(`as of ${formatMoment(report.asOf.moment)}`);
  },
});
