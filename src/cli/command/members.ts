/** `coterie members`: the ids of a segment's members, one a line. */
import { defineCommand } from '../command.ts';
import { withCore } from '../core-access.ts';
import { wholeNumberOption } from '../option-parsers.ts';
import { visible } from '../words.ts';

interface MembersOptions {
  readonly limit?: number;
}

export const membersCommand = defineCommand<MembersOptions>({
  name: 'members',
  summary: 'who is in a segment',
  description:
    'Writes the ids of all members, one a line, as of the last calculation. They stream: any size will do.',
  arguments: [{ name: '<segment>', help: 'key of the segment; an instance of a family is family@store' }],
  options: [
    wholeNumberOption('--limit <number>', 'most members to write', { atLeast: 1, atMost: 4_294_967_295 }),
  ],
  examples: [
    { says: 'Into a file', line: 'coterie members lapsed-big-spender > lapsed.txt' },
    { says: 'A few', line: 'coterie members new-at@store-1 --limit 5' },
    { says: 'As NDJSON', line: `coterie members vip --json    # {"customer":"customer-17"}` },
  ],
  async run(call) {
    let left = call.options.limit ?? Number.POSITIVE_INFINITY;
    await withCore(call, { ifMissing: 'refuse' }, async (core) => {
      for await (const block of core.members(call.args[0] ?? '')) {
        const ids = block.slice(0, left);
        left -= ids.length;
        await call.terminal.print(
          ...ids.map((id) => (call.json ? JSON.stringify({ customer: id }) : visible(id))),
        );
        if (left <= 0) break;
      }
    });
  },
});
