import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoterieError } from '../../model/error.ts';
import { readMessage } from '../stream/read-message.ts';
import { IDLE_BYTES_MAX, readLines } from './row-lines.ts';
import { UnreadableRow } from './row-tally.ts';

async function rowsOf(...chunks: readonly (string | Buffer)[]): Promise<unknown[]> {
  async function* body() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
  const rows: unknown[] = [];
  for await (const block of readLines(body())) rows.push(...block);
  return rows.map((row) => (row instanceof UnreadableRow ? row.reason : row));
}

describe('rows of lines', () => {
  it('are the same however the body is cut, also within a character', async () => {
    const bytes = Buffer.from('{"a":"é"}\r\n\n\n[1]\nx\n "ñ" ');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const rows = await rowsOf(bytes.subarray(0, cut), bytes.subarray(cut));
      assert.deepEqual(rows, [{ a: 'é' }, [1], 'not a JSON object', 'ñ'], `cut at ${cut}`);
    }
  });

  it('that are not UTF-8 are set aside; a replacement character is text', async () => {
    assert.deepEqual(await rowsOf(Buffer.from('"jos\xe9"\n"ana"\n', 'latin1'), '"\ufffd"'), [
      'not UTF-8',
      'ana',
      '\ufffd',
    ]);
  });

  it('may be far apart, but a body of nothing ends', async () => {
    const gap = '\n'.repeat(1_048_576);
    assert.deepEqual(await rowsOf('1', gap, '2'), [1, 2]);
    const blocks = Array.from({ length: IDLE_BYTES_MAX / gap.length + 1 }, () => gap);
    const isRefused = (error: unknown) => error instanceof CoterieError && error.code === 'REQUEST_INVALID';
    await assert.rejects(rowsOf(...blocks), isRefused);
    const blanks = blocks.map(() => ' '.repeat(gap.length));
    await assert.rejects(rowsOf(...blanks), isRefused);
  });
});

describe('rows of a message', () => {
  it('are lines where it is several, of which only those that are not UTF-8 are set aside', () => {
    const reasons = (text: string) =>
      readMessage(Buffer.from(text, 'latin1')).map((row) =>
        row instanceof UnreadableRow ? row.reason : row,
      );
    assert.deepEqual(reasons('{"id":"jos\xe9"}\n{"id":"ana"}\n'), ['not UTF-8', { id: 'ana' }]);
    assert.deepEqual(reasons('[{"id":"jos\xe9"}]'), ['not UTF-8']);
    assert.deepEqual(reasons('{"id":1}\n\n{"id":2}'), [{ id: 1 }, { id: 2 }]);
  });
});
