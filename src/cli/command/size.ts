/** `coterie size`: how many customers are in these segments? */
import { withAsOfText } from '../../api/report.ts';
import { formatMoment } from '../../model/time.ts';
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { formatShare, layOutTable } from '../words.ts';

export const sizeCommand = defineCommand({
  name: 'size',
  summary: 'how many customers are in segments',
  description: 'Exact sizes over known customers, as of the last calculation.',
  arguments: [{ name: '<segments...>', help: 'keys of segments; an instance of a family is family@store' }],
  examples: [
    { says: 'One segment', line: 'coterie size lapsed-big-spender' },
    { says: 'Instances of a family', line: 'coterie size new-at@store-1 new-at@store-2' },
    { says: 'The number alone', line: 'coterie size vip --json | jq .size' },
  ],
  async run(call) {
    const reports = await withCore(call, { ifMissing: 'refuse' }, async (core) => {
      const sizes = [];
      for (const key of call.args) sizes.push(await core.size(key));
      return sizes;
    });
    if (call.json) {
      for (const report of reports) await call.terminal.printJson(withAsOfText(report));
      return;
    }
    await call.terminal.print(
      ...layOutTable(reports, [
        { title: 'SEGMENT', value: (report) => report.key },
        { title: 'SIZE', value: (report) => report.size },
        { title: 'SHARE', value: (report) => formatShare(report.size, report.customers) },
      ]),
    );
    for (const { key, warnings = [] } of reports)
      call.terminal.note(...warnings.map((warning) => `warning: ${key}: ${warning}`));
    if (reports[0]) call.terminal.note(`as of ${formatMoment(reports[0].asOf.moment)}`);
  },
});
