// Starts a private Kafka broker in KRaft mode: a temporary folder, free ports of the loopback interface.
// Its jars come from the public Java registry by Maven, once, into a folder of the user's cache. For tests;
// gone when it is stopped or the process ends.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { end, endWithProcess, freePort, listening } from './service.mjs';

const KAFKA_VERSION = '3.9.1';
const START_MS_MAX = 120_000;
const FETCH_MS_MAX = 300_000;
const HEAP_MIB = 384;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>coterie</groupId><artifactId>kafka-broker</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version>
  </dependency></dependencies>
</project>
`;

/** Where the jars are kept. */
function jarFolder() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'coterie', `kafka-${KAFKA_VERSION}`);
}

/** Why a broker cannot be started here, or undefined where it can. Its jars are fetched at the first asking. */
export async function kafkaMissing() {
  if (!isOnPath('java')) return 'Java is not installed (apt-get install -y default-jre-headless)';
  if (existsSync(jarFolder())) return undefined;
  if (!isOnPath('mvn')) return 'Maven, which fetches the broker, is not installed (apt-get install -y maven)';
  return fetchJars().then(
    () => undefined,
    (error) => error.message,
  );
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** Fetches the jars unless they are there. Several processes may do it at once. */
async function fetchJars() {
  const folder = jarFolder();
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}-`);
  try {
    await writeFile(join(work, 'pom.xml'), POM);
    const jars = join(work, 'jars');
    const call = ['-q', '-B', '-f', join(work, 'pom.xml'), 'dependency:copy-dependencies'];
    const result = spawnSync('mvn', [...call, `-DoutputDirectory=${jars}`, '-DincludeScope=runtime'], {
      encoding: 'utf8',
      timeout: FETCH_MS_MAX,
    });
    if (result.status !== 0) {
      throw new Error(`Maven did not fetch Kafka: ${result.stdout}${result.stderr}${result.error ?? ''}`);
    }
    await rename(jars, folder).catch((error) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function properties({ port, controllerPort, data }) {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': data,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'offsets.topic.num.partitions': 1,
    'auto.create.topics.enable': false,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/**
 * Starts a broker, and fetches it first where it was never started.
 *
 * @returns {Promise<{brokers: string, pid: number, restart(): Promise<void>, stop(): Promise<void>}>}
 * `restart` kills it and starts it again with what it holds.
 */
export async function startKafka() {
  const jars = join(await fetchJars(), '*');
  const folder = await mkdtemp(join(tmpdir(), 'coterie-kafka-'));
  const config = join(folder, 'server.properties');
  const port = await freePort();
  const controllerPort = await freePort();
  await writeFile(config, properties({ port, controllerPort, data: join(folder, 'data') }));
  const formatted = spawnSync(
    'java',
    ['-cp', jars, 'kafka.tools.StorageTool', 'format', '-t', 'Y290ZXJpZS1jbHVzdGVyLQ', '-c', config],
    { encoding: 'utf8' },
  );
  if (formatted.status !== 0) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`Kafka's storage was not made: ${formatted.stderr}${formatted.error ?? ''}`);
  }
  let server;
  let letGo = () => {};
  const start = async () => {
    server = spawn('java', [`-Xmx${HEAP_MIB}m`, '-XX:+UseSerialGC', '-cp', jars, 'kafka.Kafka', config], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: folder,
    });
    letGo = endWithProcess(server, folder);
    await listening(server, { name: 'Kafka', port, startMsMax: START_MS_MAX });
  };
  const halt = async (signal) => {
    letGo();
    await end(server, signal);
  };
  await start();
  return {
    brokers: `127.0.0.1:${port}`,
    pid: server.pid,
    async restart() {
      await halt('SIGKILL');
      await start();
    },
    async stop() {
      // Nothing of it is kept, so that an orderly end is of no use.
      await halt('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// On its own: starts a broker, prints how to reach it, and stops it on Ctrl-C.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log((await startKafka()).brokers);
}
