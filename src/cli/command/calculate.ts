/** `coterie calculate`: a full pass over all customers, switched in at the end. */
import { withAsOfText } from '../../api/report.ts';
import type { CalculationReport } from '../../core/core.ts';
import { formatMoment } from '../../model/time.ts';
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { suggestNext } from '../next-step.ts';
import { momentOption } from '../option-parsers.ts';
import { countOf, formatCount, formatSeconds } from '../words.ts';

interface CalculateOptions {
  readonly at?: number;
}

export const calculateCommand = defineCommand<CalculateOptions>({
  name: 'calculate',
  summary: 'calculate all memberships and switch them in',
  description:
    'Evaluates every active segment for every customer and switches the result in at once: servers keep\n' +
    'answering from the last calculation until then, and never show half of one. When a server has the\n' +
    'data folder open, the server calculates.',
  options: [momentOption('--at <moment>', 'calculate as of this moment, such as 2026-03-01 (default: now)')],
  examples: [
    { says: 'Now', line: 'coterie calculate' },
    { says: 'As of a moment of an old history', line: 'coterie calculate --at 2018-02-05' },
    { says: 'In a script', line: 'coterie calculate --json | jq .seconds' },
  ],
  onStop: 'abort',
  async run(call) {
    await withCore(call, { ifMissing: 'refuse' }, async (core) => {
      const report = await core.calculate(
        { signal: call.signal, ...(call.options.at === undefined ? {} : { moment: call.options.at }) },
        call.progress.step,
      );
      call.progress.stop();
      if (call.json) {
        await call.terminal.printJson(withAsOfText(report));
        return;
      }
      await call.terminal.print(...describeCalculation(report));
      if (report.segments === 0) suggestNext(call, 'apply <definitions>');
      else if (report.customers === 0) suggestNext(call, 'import <file> --as orders');
      else suggestNext(call, 'segments', 'serve');
    });
  },
});

/** A calculation in a few lines. */
export function describeCalculation(report: CalculationReport): string[] {
  const phases = Object.entries(report.phases)
    .map(([phase, seconds]) => `${phase} ${formatSeconds(seconds)}`)
    .join(', ');
  return [
    `calculated ${countOf(report.segments, 'segment')} over ${countOf(report.customers, 'customer')} and ` +
      `${countOf(report.orders, 'order')} in ${formatSeconds(report.seconds)}, as of ${formatMoment(report.asOf.moment)}`,
    `  memberships  ${formatCount(report.memberships)}, kept as ${formatCount(report.exceptions)} exceptions`,
    ...(phases === '' ? [] : [`  phases  ${phases}`]),
  ];
}
