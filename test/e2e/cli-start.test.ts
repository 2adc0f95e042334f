/** `coterie start` on an empty folder: a marketplace, thousands of segments, and lines that work when pasted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  coterie,
  coterieJson,
  getJson,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from './coterie-process.ts';

const { folder, remove } = temporaryFolder();
after(remove);
const data = ['--data', join(folder, 'data')];

interface TryOut {
  readonly customer: string;
  readonly segment: string;
  readonly segments: readonly string[];
  readonly others: readonly string[];
  readonly lines: readonly string[];
}

async function withStarted(work: (server: ServerProcess, tryOut: TryOut) => Promise<void>): Promise<string> {
  const server = await startServer(['start', ...data]);
  try {
    await work(server, server.announced.tryOut as TryOut);
  } finally {
    const { code, stderr } = await server.stop('SIGINT');
    assert.equal(code, 0, stderr);
  }
  return (await server.stop()).stderr;
}

test('a port in use is told before anything is simulated', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  try {
    const { code, stderr } = await coterie(['start', ...data, '--port', String(port)]);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /^error PORT_IN_USE: /);
    assert.equal(existsSync(join(folder, 'data')), false);
  } finally {
    taken.close();
  }
});

test('an empty folder becomes a served marketplace, and every line to try works when pasted', async () => {
  const said = await withStarted(async (server, { customer, segment, others, lines }) => {
    const { memberships } = await getJson<{ memberships: Record<string, boolean> }>(
      `${server.url}/v1/check?customer=${customer}&segments=${segment}`,
    );
    assert.deepEqual(memberships, { [segment]: true });
    assert.equal(others.length, 3, 'segments by events, scores and lists');
    for (const key of others) {
      const { size } = await getJson<{ size: number }>(`${server.url}/v1/segments/${key}/size`);
      assert.ok(size > 0 && size < 20_000, `${key}: ${size}`);
    }
    const calls = lines.filter((line) => line.startsWith('  curl '));
    assert.ok(calls.length >= 6, 'lines to try');
    for (const call of calls) {
      const { status, stdout, stderr } = spawnSync(
        'bash',
        ['-c', call.replace('curl ', 'curl --fail-with-body --retry 9 ')],
        {
          encoding: 'utf8',
        },
      );
      assert.equal(status, 0, `${call}: ${stdout}${stderr}`);
      assert.notEqual(stdout, '', call);
    }
    assert.equal((await fetch(`${server.url}/docs`)).status, 200);
  });
  assert.match(
    said,
    /simulated 20,000 customers, 800 stores, 1,000,000 orders and 100,000 events, with scores and lists/,
  );
});

test('a second start uses what is there and does not calculate again', async () => {
  const before = await coterieJson(['status', ...data]);
  assert.ok((before.calculation as { segments: number }).segments > 3_000, 'thousands of segments');
  const said = await withStarted(async (_server, tryOut) => assert.ok(tryOut.customer));
  assert.doesNotMatch(said, /simulat/);
  assert.match(said, /calculated already/);
  assert.deepEqual(
    await coterieJson(['status', ...data]).then(({ calculation }) => calculation),
    before.calculation,
  );
});
