/** A process that takes facts in from a broker until its standard input ends; the kill test's victim. */
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { kafkaMessageStream } from '../../src/core/stream/kafka/kafka-message-stream.ts';
import { natsMessageStream } from '../../src/core/stream/nats/nats-message-stream.ts';
import { startStreamConsumer } from '../../src/core/stream/stream-consumer.ts';

const [folder, kind, address, name] = process.argv.slice(2) as [string, string, string, string];
const engine = new DuckDbEngine(await openDatabase({ folder, memoryMiB: 512 }));
process.stdout.write('open\n');
const stream =
  kind === 'nats'
    ? natsMessageStream({ url: address, stream: name })
    : kafkaMessageStream({ brokers: [address], topics: [name] });
const consumer = startStreamConsumer({
  stream,
  engine,
  rejects: { add: async () => {} },
  onFailure: (error) => process.stderr.write(`${error}\n`),
  options: { lagPeriodMs: 100, batchRows: 200 },
});
let put = false;
const watching = setInterval(() => {
  const { messages, lagMessages } = consumer.status();
  if (messages > 0 && !put) {
    put = true;
    process.stdout.write('put\n');
  }
  if (lagMessages === 0) process.stdout.write('caught up\n');
}, 20);
process.stdin.resume().once('end', async () => {
  clearInterval(watching);
  await consumer.close();
  await engine.close();
  process.exit(0);
});
