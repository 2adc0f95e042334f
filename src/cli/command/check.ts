/** `coterie check`: is this customer in these segments? Asks the memberships alone, also while a server runs. */
import { Option } from 'commander';
import { checkCustomerId } from '../../api/customer-id.ts';
import { withAsOfText } from '../../api/report.ts';
import { CoterieError } from '../../model/error.ts';
import { check } from '../../store/check.ts';
import { defineCommand, type Invocation } from '../command.ts';
import { prepareDataFolder } from '../data-folder.ts';
import { shellWord, suggestNext } from '../next-step.ts';
import type { CheckReport } from '../parts.ts';
import { layOutTable } from '../words.ts';

interface CheckOptions {
  readonly strict?: boolean;
}

export const checkCommand = defineCommand<CheckOptions>({
  name: 'check',
  summary: 'is a customer in these segments?',
  description:
    'Reads the memberships of the last calculation; a running server is not disturbed. A customer never\n' +
    'heard of gets what holds for someone without facts. Instances of a family are called family@store.',
  arguments: [
    { name: '<customer>', help: 'id of the customer' },
    { name: '<segments...>', help: 'keys of the segments' },
  ],
  options: [
    new Option('--strict', 'fail on a segment that does not exist, instead of listing it as unknown'),
  ],
  examples: [
    {
      says: 'One customer, two segments',
      line: 'coterie check customer-17 lapsed-big-spender new-at@store-3',
    },
    { says: 'In a script', line: "coterie check customer-17 vip --json | jq '.memberships.vip'" },
    {
      says: 'Ask a server elsewhere',
      line: 'coterie check customer-17 vip --url http://coterie.internal:8080',
    },
  ],
  async run(call) {
    const [customer = '', ...segments] = call.args;
    checkCustomerId(customer, '<customer>');
    const keys = segments.flatMap((segment) => segment.split(',')).filter((key) => key !== '');
    const answer =
      call.config.url === undefined
        ? await checkInFolder(call, customer, keys)
        : await (await call.parts.connect(call.config.url)).check(customer, keys);
    if (call.options.strict && answer.unknown.length > 0) {
      throw new CoterieError('SEGMENTS_UNKNOWN', `unknown: ${answer.unknown.join(', ')}`, {
        unknown: answer.unknown,
      });
    }
    if (call.json) {
      await call.terminal.printJson(answer);
      return;
    }
    const unknown = new Set(answer.unknown);
    const rows = [...new Set(keys)].map((key) => ({
      key,
      answer: unknown.has(key) ? 'unknown' : answer.memberships[key] ? 'in' : 'out',
    }));
    await call.terminal.print(
      ...layOutTable(rows, [
        { title: 'SEGMENT', value: (row) => row.key },
        { title: customer, value: (row) => row.answer },
      ]),
    );
    call.terminal.note(`as of ${answer.asOf}`);
    const asked = keys.find((key) => answer.memberships[key]) ?? keys.find((key) => !unknown.has(key));
    if (asked !== undefined) suggestNext(call, `explain ${shellWord(customer)} ${shellWord(asked)}`);
  },
});

async function checkInFolder(
  call: Invocation<unknown>,
  customer: string,
  keys: readonly string[],
): Promise<CheckReport> {
  await prepareDataFolder(call.config.data, { ifMissing: 'refuse', version: call.version });
  const store = await call.parts.openStore(call.config);
  try {
    const view = store.view();
    if (view === undefined) {
      throw new CoterieError('NOT_CALCULATED', `nothing was calculated in ${call.config.data} yet`);
    }
    const { memberships, unknown } = await check(view, customer, keys);
    return withAsOfText({ customer, memberships, unknown, asOf: view.asOf });
  } finally {
    await store.close();
  }
}
