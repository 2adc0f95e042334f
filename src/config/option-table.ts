/**
 * The option table: one row per setting. Flags, environment variables, the configuration file, help and
 * `docs/reference/configuration.md` are all derived from it, so that they cannot disagree.
 */
import { availableParallelism } from 'node:os';
import { FACT_SOURCES } from '../model/fact.ts';
import {
  choice,
  duration,
  integer,
  list,
  modules,
  type OptionRow,
  optionalText,
  size,
  text,
  toggle,
  url,
} from './option-row.ts';

/** Commands that take a setting; `*` is every command. */
const EVERY = ['*'] as const;
const SERVING = ['serve', 'start'] as const;
const CALCULATING = [
  'serve',
  'start',
  'import',
  'apply',
  'calculate',
  'preview',
  'simulate',
  'verify',
] as const;

const ASKING = [
  'import',
  'apply',
  'calculate',
  'check',
  'explain',
  'preview',
  'segments',
  'size',
  'members',
  'overlap',
  'models',
  'activate',
  'lists',
  'status',
  'verify',
  'forget',
] as const;

/** What reads definitions, evaluates them, or takes facts. */
const WITH_PLUGINS = [...new Set([...CALCULATING, ...ASKING, 'schema'])].filter(
  (command) => command !== 'simulate' && command !== 'check' && command !== 'status',
);

const MIB = 1_048_576;

export const OPTION_TABLE = {
  data: text({
    flag: 'data',
    placeholder: 'folder',
    default: './data',
    help: 'Folder that holds everything: facts, definitions and memberships. Made when missing.',
    commands: EVERY,
  }),
  url: url({
    flag: 'url',
    placeholder: 'url',
    help: 'Address of a running server to send the work to, instead of opening the data folder.',
    commands: ASKING,
    defaultText: 'the server that has the data folder open, if there is one',
  }),
  host: text({
    flag: 'host',
    placeholder: 'address',
    default: '127.0.0.1',
    help: 'Address to listen on. 0.0.0.0 is every network interface: put a proxy that authenticates before it.',
    commands: SERVING,
  }),
  port: integer({
    flag: 'port',
    placeholder: 'number',
    default: 8080,
    atLeast: 0,
    atMost: 65_535,
    help: 'Port to listen on; 0 takes a free one.',
    commands: SERVING,
  }),
  role: choice({
    flag: 'role',
    placeholder: 'role',
    default: 'all',
    choices: ['all', 'store'],
    help: '"all" calculates and serves; "store" serves memberships only, and several such processes can read one folder.',
    commands: ['serve'],
  }),
  threads: integer({
    flag: 'threads',
    placeholder: 'number',
    default: Math.min(availableParallelism(), 256),
    atLeast: 1,
    atMost: 256,
    help: 'Threads that the engine and the evaluation use.',
    commands: CALCULATING,
    defaultText: 'the number of cores',
  }),
  plugins: modules({
    flag: 'plugins',
    placeholder: 'modules',
    default: [],
    help: 'Modules of plug-ins to load: paths beginning with "./" or "/" (in a file of settings, from where it is), or packages.',
    commands: WITH_PLUGINS,
  }),
  engineMemory: size({
    flag: 'engine-memory',
    placeholder: 'size',
    default: 1024 * MIB,
    atLeast: 128 * MIB,
    atMost: 1024 * 1024 * MIB,
    help: 'Memory that the engine may use before it spills to disk.',
    commands: CALCULATING,
  }),
  bodyLimit: size({
    flag: 'body-limit',
    placeholder: 'size',
    default: 16 * MIB,
    atLeast: 1024,
    atMost: 1024 * MIB,
    help: 'Largest body of a request.',
    commands: SERVING,
  }),
  rateLimit: integer({
    flag: 'rate-limit',
    placeholder: 'number',
    default: 0,
    atLeast: 0,
    atMost: 10_000_000,
    help: 'Requests a minute from one address; 0 is no limit.',
    commands: SERVING,
  }),
  trustProxy: toggle({
    flag: 'trust-proxy',
    placeholder: 'true|false',
    default: false,
    help: 'Whether to believe X-Forwarded-For; only behind a proxy that sets it.',
    commands: SERVING,
  }),
  requestTimeout: duration({
    flag: 'request-timeout',
    placeholder: 'duration',
    default: 60_000,
    atLeast: 1000,
    atMost: 3_600_000,
    help: 'How long a client may take to send a whole request.',
    commands: SERVING,
  }),
  slowRequest: duration({
    flag: 'slow-request',
    placeholder: 'duration',
    default: 1000,
    atLeast: 1,
    atMost: 3_600_000,
    help: 'A request that takes longer than this is logged.',
    commands: SERVING,
  }),
  refreshPeriod: duration({
    flag: 'refresh-period',
    placeholder: 'duration',
    default: 1000,
    atLeast: 50,
    atMost: 3_600_000,
    help: 'How often a server looks for memberships that another process calculated.',
    commands: SERVING,
  }),
  tickPeriod: duration({
    flag: 'tick-period',
    placeholder: 'duration',
    default: 1000,
    atLeast: 0,
    atMost: 3_600_000,
    help: 'How often memberships follow new facts, passing time and changed definitions; 0s: never.',
    commands: SERVING,
  }),
  natsUrl: optionalText({
    flag: 'nats-url',
    placeholder: 'url',
    help: 'Address of a NATS server to take facts in from: nats://host:4222; with user:password@ or token@; tls:// for TLS.',
    commands: ['serve'],
  }),
  natsStream: text({
    flag: 'nats-stream',
    placeholder: 'name',
    default: 'FACTS',
    help: `The JetStream stream to read, with --nats-url. Its subjects say one of ${FACT_SOURCES.join(', ')}.`,
    commands: ['serve'],
  }),
  kafkaBrokers: list({
    flag: 'kafka-brokers',
    placeholder: 'host:port,…',
    help: 'Kafka brokers to take facts in from.',
    commands: ['serve'],
    default: [],
  }),
  kafkaTopics: list({
    flag: 'kafka-topics',
    placeholder: 'names',
    help: `The topics to read, with --kafka-brokers. Their names say one of ${FACT_SOURCES.join(', ')}.`,
    commands: ['serve'],
    default: ['orders', 'customers', 'stores'],
  }),
  ingestWaitingRows: integer({
    flag: 'ingest-waiting-rows',
    placeholder: 'number',
    default: 100_000,
    atLeast: 1000,
    atMost: 10_000_000,
    help: 'Rows of facts that may wait to become durable, over all requests; more are turned away with 429. Also the most rows of a request with ?strict=true.',
    commands: SERVING,
  }),
  ingestWaitingBytes: size({
    flag: 'ingest-waiting-bytes',
    placeholder: 'size',
    default: 64 * MIB,
    atLeast: MIB,
    atMost: 64 * 1024 * MIB,
    help: 'The same in memory that they take, about.',
    commands: SERVING,
  }),
  ingestBatchRows: integer({
    flag: 'ingest-batch-rows',
    placeholder: 'number',
    default: 20_000,
    atLeast: 1000,
    atMost: 1_000_000,
    help: 'Most rows of facts that are written in one batch: more take in more a second, and each request waits longer.',
    commands: SERVING,
  }),
  verifyPeriod: duration({
    flag: 'verify-period',
    placeholder: 'duration',
    default: 0,
    atLeast: 0,
    atMost: 86_400_000,
    help: 'How often a sample of what is served is held to plain SQL over the facts; 0s: never.',
    commands: SERVING,
  }),
  rejectsLife: duration({
    flag: 'rejects-life',
    placeholder: 'duration',
    default: 720 * 3_600_000,
    atLeast: 3_600_000,
    atMost: 87_600 * 3_600_000,
    help: 'How long rows that were set aside are kept in rejects/ of the data folder: they hold ids of customers.',
    commands: [...SERVING, 'import', 'forget'],
  }),
  shutdownPeriod: duration({
    flag: 'shutdown-period',
    placeholder: 'duration',
    default: 10_000,
    atLeast: 0,
    atMost: 600_000,
    help: 'How long a server that is told to stop waits for requests under way.',
    commands: SERVING,
  }),
  logLevel: choice({
    flag: 'log-level',
    placeholder: 'level',
    default: 'info',
    choices: ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    help: 'Least severity of the lines that a server logs (JSON, on standard error).',
    commands: SERVING,
  }),
} as const satisfies Readonly<Record<string, OptionRow<unknown>>>;

export type OptionKey = keyof typeof OPTION_TABLE;

/** Every setting with its value: durations in milliseconds, sizes in bytes. */
export type Config = {
  readonly [K in OptionKey]: (typeof OPTION_TABLE)[K] extends OptionRow<infer V> ? V : never;
};

/** The rows that a command takes, in the order of the table. */
export function optionsOf(command: string): readonly (readonly [OptionKey, OptionRow<unknown>])[] {
  return (Object.entries(OPTION_TABLE) as [OptionKey, OptionRow<unknown>][]).filter(
    ([, row]) => row.commands.includes('*') || row.commands.includes(command),
  );
}
