/** `coterie forget`: removes customers and all facts about them. */
import { Option } from 'commander';
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { countOf } from '../words.ts';

interface ForgetOptions {
  readonly readmit?: boolean;
}

export const forgetCommand = defineCommand<ForgetOptions>({
  name: 'forget',
  summary: 'remove customers and all facts about them',
  description:
    'Removes all facts about these customers, their memberships, and their entries and exits in the log of\n' +
    'changes. Facts about them that arrive later, such as from a file that is read again, are dropped.\n' +
    'The answer is the same for somebody never heard of.',
  arguments: [{ name: '<customers...>', help: 'ids of customers' }],
  options: [
    new Option(
      '--readmit',
      'the other way: facts about these customers that arrive from now on count, as of somebody new',
    ),
  ],
  examples: [
    { says: 'One customer', line: 'coterie forget customer-17' },
    { says: 'Somebody who is back', line: 'coterie forget --readmit customer-17' },
    { says: 'Many, in a script', line: 'xargs coterie forget --json < ids.txt' },
  ],
  async run(call) {
    const { readmit = false } = call.options;
    const batchNos = await withCore(call, { ifMissing: 'refuse', removesOldRejects: true }, async (core) => {
      const done: number[] = [];
      for (const customer of call.args) {
        if (readmit) await core.readmitCustomer(customer);
        else done.push((await core.eraseCustomer(customer)).batchNo);
      }
      return done;
    });
    const customers = call.args.length;
    if (call.json) {
      await call.terminal.printJson({ customers, ...(readmit ? {} : { batchNo: Math.max(...batchNos) }) });
    } else {
      await call.terminal.print(`${readmit ? 'readmitted' : 'forgot'} ${countOf(customers, 'customer')}`);
    }
  },
});
