/** Precedence and refusals of the configuration, for every row of the option table. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CoterieError } from '../model/error.ts';
import { environmentName, formatSize, type OptionRow } from './option-row.ts';
import { OPTION_TABLE, type OptionKey } from './option-table.ts';
import { readConfig } from './read-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'coterie-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function configFile(text: string): string {
  const file = join(folder, `${Math.random()}.yaml`);
  writeFileSync(file, text);
  return file;
}

function refusal(action: () => unknown): CoterieError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof CoterieError, String(error));
    assert.equal(error.code, 'CONFIG_INVALID');
    return error;
  }
  return assert.fail('expected CONFIG_INVALID');
}

test('without flags, variables or file every option has its default', () => {
  const config = readConfig({ flags: {}, environment: {}, folder });
  for (const [key, row] of Object.entries(OPTION_TABLE)) {
    assert.equal(config[key as OptionKey], row.default, key);
  }
  assert.equal(config.host, '127.0.0.1', 'nothing is open to the network unless asked for');
});

test('a flag wins over a variable, a variable over the file, the file over the default', () => {
  const file = configFile('port: 1\nhost: 0.0.0.0\ndata: from-file\n');
  const config = readConfig({
    flags: { port: '3' },
    file,
    environment: { COTERIE_PORT: '2', COTERIE_HOST: '::1' },
  });
  assert.equal(config.port, 3);
  assert.equal(config.host, '::1');
  assert.equal(config.data, 'from-file');
});

test('an empty variable is as one that is not set', () => {
  assert.equal(readConfig({ flags: {}, environment: { COTERIE_PORT: '' }, folder }).port, 8080);
});

test('a value that is not allowed names its option, its source, what was expected and what was found', () => {
  const bad: Record<OptionKey, string> = {
    data: ' ',
    url: 'ftp://x',
    host: ' ',
    port: '65536',
    role: 'core',
    threads: '0',
    engineMemory: '1KiB',
    bodyLimit: 'much',
    rateLimit: '-1',
    trustProxy: 'yes',
    requestTimeout: '0s',
    slowRequest: '0ms',
    refreshPeriod: '5',
    verifyPeriod: '2d',
    rejectsLife: '30m',
    ingestWaitingRows: '999',
    ingestWaitingBytes: '1KiB',
    ingestBatchRows: '0',
    plugins: 'a,,b',
    natsUrl: ' ',
    natsStream: ' ',
    kafkaBrokers: 'a,,b',
    kafkaTopics: ',',
    shutdownPeriod: '1d',
    tickPeriod: '2h',
    logLevel: 'loud',
  };
  for (const [key, row] of Object.entries(OPTION_TABLE) as [OptionKey, OptionRow<unknown>][]) {
    const variable = environmentName(row);
    const byFlag = refusal(() => readConfig({ flags: { [key]: bad[key] }, environment: {}, folder }));
    assert.equal(byFlag.message, `--${row.flag}: expected ${row.expected}, found "${bad[key]}"`);
    const byVariable = refusal(() =>
      readConfig({ flags: {}, environment: { [variable]: bad[key] }, folder }),
    );
    assert.ok(byVariable.message.startsWith(`${variable}: expected ${row.expected}`), byVariable.message);
    const file = configFile(`${row.flag}: "${bad[key]}"\n`);
    const byFile = refusal(() => readConfig({ flags: {}, environment: {}, file }));
    assert.ok(byFile.message.startsWith(`"${row.flag}" in ${file}: expected`), byFile.message);
    assert.equal(byFile.details.option, row.flag);
  }
});

test('a bad value is refused even where a better source overrides it', () => {
  refusal(() => readConfig({ flags: { port: '1' }, environment: { COTERIE_PORT: 'x' }, folder }));
});

test('a variable that Kubernetes sets for a service named coterie is explained', () => {
  const error = refusal(() =>
    readConfig({ flags: {}, environment: { COTERIE_PORT: 'tcp://10.0.0.1:80' }, folder }),
  );
  assert.match(error.message, /enableServiceLinks/);
});

test('a configuration file with an unknown option, a list, bad YAML or no existence is refused', () => {
  const from = (text: string) =>
    refusal(() => readConfig({ flags: {}, environment: {}, file: configFile(text) }));
  assert.match(from('prot: 80\n').message, /expected one of data, .*found "prot"/);
  assert.match(from('- port\n').message, /expected a mapping/);
  assert.match(from('port: [1]\n').message, /expected one value/);
  assert.match(from('port: "80\n').message, /not well-formed YAML/);
  refusal(() => readConfig({ flags: {}, environment: {}, file: join(folder, 'missing.yaml') }));
});

test('sizes and durations read with their units', () => {
  const config = readConfig({
    flags: { engineMemory: '1.5GiB', bodyLimit: '64k', refreshPeriod: '250ms', shutdownPeriod: '1m' },
    environment: {},
    folder,
  });
  assert.equal(config.engineMemory, 1.5 * 2 ** 30);
  assert.equal(config.bodyLimit, 65_536);
  assert.equal(config.refreshPeriod, 250);
  assert.equal(config.shutdownPeriod, 60_000);
  assert.equal(formatSize(config.engineMemory), '1536MiB');
});

test('plug-ins are a list, and a relative path is from where it is written', () => {
  const file = configFile('plugins: [./a.ts, some-package]\n');
  assert.deepEqual(readConfig({ flags: {}, environment: {}, file }).plugins, [
    join(folder, 'a.ts'),
    'some-package',
  ]);
  const environment = { COTERIE_PLUGINS: '../b.ts,/c.ts' };
  assert.deepEqual(readConfig({ flags: {}, environment, file, folder: '/somewhere/else' }).plugins, [
    '/somewhere/b.ts',
    '/c.ts',
  ]);
  assert.deepEqual(readConfig({ flags: {}, environment: {}, file: configFile('plugins: a\n') }).plugins, [
    'a',
  ]);
});
