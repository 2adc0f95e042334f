/** `coterie verify`: is what is served what the facts say? */
import { withAsOfText } from '../../api/report.ts';
import { CoterieError } from '../../model/error.ts';
import { formatMoment } from '../../model/time.ts';
import { defineCommand } from '../command.ts';
import { withFolderOrServer } from '../core-access.ts';
import { prepareDataFolder } from '../data-folder.ts';
import { wholeNumberOption } from '../option-parsers.ts';
import { countOf, formatCount, formatSeconds, layOutTable } from '../words.ts';

interface VerifyOptions {
  readonly segments: number;
  readonly customers: number;
  readonly seed: number;
}

/** Most segments, and most customers, that a server compares at once. */
const SERVER_MAX = 10_000;

export const verifyCommand = defineCommand<VerifyOptions>({
  name: 'verify',
  summary: 'hold what is served to plain SQL over the facts',
  description:
    'Draws segments, asks plain SQL who is in each as of the last calculation, and compares that with what\n' +
    'is served for every customer. The SQL is made from the rules alone and shares nothing with the\n' +
    'evaluation. Ends with exit code 1 if anything differs. While a server has the data folder open, that\n' +
    'server compares, for customers that it draws, while its ticks go on.\n' +
    'The facts in force are reconciled once, on the disk beside the data (12 bytes an order, until the end);\n' +
    'then each segment is a query over them: milliseconds each over a few million orders, more with the\n' +
    'orders that its rule looks at. --segments decides what a run costs; the default is for every night.',
  options: [
    wholeNumberOption('--segments <number>', 'segments to draw', { atLeast: 1, atMost: 10_000_000 }).default(
      20,
    ),
    wholeNumberOption('--customers <number>', 'customers to draw, where a server compares; else all count', {
      atLeast: 1,
      atMost: SERVER_MAX,
    }).default(1_000),
    wholeNumberOption('--seed <number>', 'draw others', { atLeast: 0, atMost: 4_294_967_295 }).default(1),
  ],
  examples: [
    { says: 'Twenty segments, every customer', line: 'coterie verify' },
    { says: 'Every segment', line: 'coterie verify --segments 10000000' },
    { says: 'A running server, more of its customers', line: 'coterie verify --customers 10000' },
    {
      says: 'Others each night, for a script',
      line: 'coterie verify --seed "$(date +%j)" --json | jq .mismatchRate',
    },
  ],
  async run(call) {
    const { segments, customers, seed } = call.options;
    const report = await withFolderOrServer(call, {
      async local() {
        await prepareDataFolder(call.config.data, { ifMissing: 'refuse', version: call.version });
        return call.parts.verify(call.config, { segments, seed }, call.progress.step);
      },
      remote: (server) => server.verify({ segments: Math.min(segments, SERVER_MAX), customers, seed }),
    });
    call.progress.stop();
    if (call.json) await call.terminal.printJson(withAsOfText(report));
    else {
      await call.terminal.print(
        `compared ${countOf(report.segments, 'segment')} for ${countOf(report.customers, 'customer')} with plain SQL ` +
          `in ${formatSeconds(report.seconds)}, as of ${formatMoment(report.asOf.moment)}`,
        `  mismatches  ${formatCount(report.mismatches)} of ${formatCount(report.compared)} (rate ${report.mismatchRate})`,
      );
      if (report.mismatches > 0) {
        await call.terminal.print(
          ...layOutTable(report.examples, [
            { title: 'CUSTOMER', value: (pair) => pair.customer },
            { title: 'SEGMENT', value: (pair) => pair.segment },
            {
              title: 'SERVED',
              value: (pair) => (pair.served === undefined ? 'unknown' : pair.served ? 'in' : 'out'),
            },
            { title: 'BY SQL', value: (pair) => (pair.expected ? 'in' : 'out') },
          ]),
        );
      }
    }
    if (report.mismatches > 0) {
      throw new CoterieError(
        'MEMBERSHIPS_WRONG',
        `${formatCount(report.mismatches)} of ${formatCount(report.compared)} memberships differ from what the facts say`,
        { mismatches: report.mismatches, compared: report.compared },
      );
    }
  },
});
