/** `coterie lists`: lists of customers, and how many are on them. */
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { countOf, layOutTable } from '../words.ts';

export const listsCommand = defineCommand({
  name: 'lists',
  summary: 'list the lists of customers',
  description:
    'Lists of customers with how many known customers are on each. Entries come in with import --as lists, and\n' +
    'from other programs over HTTP.',
  examples: [
    { says: 'All lists', line: 'coterie lists' },
    {
      says: 'Take customers off a list: a file of their ids',
      line: 'coterie import back.csv --as lists --list do-not-contact --default listed=false',
    },
  ],
  async run(call) {
    const lists = await withCore(call, { ifMissing: 'refuse' }, (core) => core.lists());
    if (call.json) {
      await call.terminal.printJson({ lists });
      return;
    }
    await call.terminal.print(
      ...layOutTable(lists, [
        { title: 'LIST', value: ({ list }) => list },
        { title: 'CUSTOMERS', value: ({ customers }) => customers },
      ]),
    );
    call.terminal.note(countOf(lists.length, 'list'));
  },
});
