/** `coterie import`: files of facts, of every source. */
import { basename, join } from 'node:path';
import { Option } from 'commander';
import type { Core } from '../../core/core.ts';
import type { FileFormat } from '../../core/engine/engine.ts';
import { CoterieError } from '../../model/error.ts';
import { FACT_SOURCES, type FactSource } from '../../model/fact.ts';
import { defineCommand, type Invocation } from '../command.ts';
import { withCoreOrServer } from '../core-access.ts';
import type { FactFile } from '../fact-rows.ts';
import { importLines, sentLines } from '../import-report.ts';
import { suggestNext } from '../next-step.ts';
import { pairsOption } from '../option-parsers.ts';
import type { RemoteServer } from '../parts.ts';
import { RejectsWriter } from '../rejects-writer.ts';
import { type SendReport, sendFacts, sendList } from '../send-facts.ts';
import { takePluginRows } from '../take-plugin-rows.ts';
import { countOf } from '../words.ts';

interface ImportOptions {
  /** A built-in source, or one of a plug-in. */
  readonly as: string;
  readonly map?: Readonly<Record<string, string>>;
  readonly default?: Readonly<Record<string, string>>;
  readonly delimiter?: string;
  readonly format?: FileFormat;
  readonly strict?: boolean;
  readonly rejects?: string;
  readonly list?: string;
  readonly replace?: boolean;
  readonly stage?: boolean;
}

export const importCommand = defineCommand<ImportOptions>({
  name: 'import',
  summary: 'read files of orders, stores, customers, events, scores or lists',
  description:
    'Reads CSV, TSV, NDJSON and Parquet, gzipped or not, as one batch each: all of a file or nothing.\n' +
    'Reading a file again changes nothing; a later version of an order replaces the earlier one.\n' +
    'Rows that cannot be read are set aside in a file with line and reason, and nothing else is lost.\n' +
    'While a server has the folder open, rows of CSV and NDJSON are sent to it, and are durable when it says so.\n' +
    'Fields that a source does not have are not read, and are told as warnings.\n\n' +
    'An order is known by its customer and its id. A correction that moves one to another customer says whose\n' +
    'it was in previous_customer_id; else it is another order.\n\n' +
    'Fields of orders:    customer_id, order_id, ordered_at, total (needed); store_id, discount, currency, status,\n' +
    '                     previous_customer_id\n' +
    'Fields of stores:    store_id (needed); brand, city, category, tags, opened_at, closed_at\n' +
    'Fields of customers: customer_id (needed); every other column is a trait of its own name\n' +
    'Fields of events:    customer_id, name, occurred_at (needed); event_id; every other column is a property\n' +
    'Fields of scores:    customer_id, model, value (needed); version, valid_until\n' +
    'Fields of lists:     customer_id, list (needed, or --list); listed, which is true when left out\n' +
    "Files of a plug-in's source are NDJSON, or CSV whose fields are all text; see docs/guide/plugins.md. Their\n" +
    'rows come in several batches, unless --strict is given, and of those set aside the first 100 are listed.\n\n' +
    'At the end of a file of scores, the versions of models that it brings are put in force, each in place of\n' +
    'the one before, whole, at once; with --stage they wait for "activate".',
  arguments: [{ name: '<files...>', help: 'files to read, in this order' }],
  options: [
    new Option(
      '--as <source>',
      `what the rows are: ${FACT_SOURCES.join(', ')}, or a source of a plug-in`,
    ).makeOptionMandatory(),
    pairsOption(
      '--map <field=column>',
      'where a field has another name in the file; give it once for each field',
    ),
    pairsOption(
      '--default <field=value>',
      'value of a field that the file does not have, such as currency=EUR',
    ),
    new Option('--list <name>', 'of lists: which one, where the file does not say'),
    new Option('--replace', 'of lists: the file is the whole list; who is not in it is on it no longer'),
    new Option('--stage', 'of scores: do not put new versions of models in force yet'),
    new Option('--delimiter <character>', 'between the fields of a CSV; "tab" is a tab (default: a comma)'),
    new Option('--format <format>', 'instead of going by the name of the file').choices([
      'csv',
      'ndjson',
      'parquet',
    ]),
    new Option('--strict', 'stop at the first bad row and keep nothing of the file'),
    new Option(
      '--rejects <file>',
      'where bad rows go (default: rejects/ of the data folder; with --url nowhere)',
    ),
  ],
  examples: [
    { says: 'A file whose columns have the names above', line: 'coterie import orders.csv.gz --as orders' },
    {
      says: 'Other names, a semicolon, and no currency in the file',
      line: "coterie import sales.csv --as orders --map customer_id=household --map ordered_at=date \\\n  --delimiter ';' --default currency=EUR",
    },
    {
      says: 'Profile traits: every column but customer_id becomes one',
      line: 'coterie import customers.parquet --as customers',
    },
    {
      says: 'A new version of a model, looked at before it counts',
      line: 'coterie import churn.parquet --as scores --stage\ncoterie activate churn 2026-03',
    },
    {
      says: 'A list that somebody keeps elsewhere',
      line: 'coterie import optouts.csv --as lists --list do-not-contact --replace',
    },
    {
      says: 'In a script: fail on any bad row, answer in JSON',
      line: 'coterie import orders.ndjson --as orders --strict --json',
    },
  ],
  async run(call) {
    checkOptions(call.options);
    let isSent = false;
    const useless = await withCoreOrServer<Outcome | undefined>(
      call,
      { ifMissing: 'create', removesOldRejects: true },
      {
        local: (core) => importHere(call, core),
        remote: (server, url) => {
          isSent = true;
          return importThere(call, server, url);
        },
      },
    );
    if (useless) {
      throw new CoterieError(
        'IMPORT_NOTHING_USABLE',
        `no row of ${useless.file} can be used${useless.first === undefined ? '' : `: the first: ${useless.first}`}`,
        {
          file: useless.file,
          problems: Object.entries(useless.reasons).map(
            ([reason, rows]) => `${countOf(rows, 'row')}: ${reason}`,
          ),
        },
      );
    }
    if (call.options.stage) suggestNext(call, 'models', 'activate <model> <version>');
    // Where a server has the folder open, its ticks do what follows.
    else if (isSent) suggestNext(call, 'status');
    else suggestNext(call, 'apply <definitions>', 'calculate');
  },
});

/** Options of one source are none of the others. */
function checkOptions(options: ImportOptions): void {
  const only = { list: 'lists', replace: 'lists', stage: 'scores' } as const;
  for (const [option, source] of Object.entries(only) as [keyof typeof only, FactSource][]) {
    if (options[option] === undefined || options.as === source) continue;
    throw new CoterieError(
      'CONFIG_INVALID',
      `--${option}: expected with --as ${source}, found with --as ${options.as}`,
      { option, expected: source, found: options.as },
    );
  }
}

function defaultsOf({ default: values, list }: ImportOptions): Readonly<Record<string, string>> {
  return { ...values, ...(list === undefined ? {} : { list }) };
}

/** A file of which every row was bad. */
interface Outcome {
  readonly file: string;
  readonly rows: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** Where the first stands, and its reason. */
  readonly first?: string;
}

type Call = Invocation<ImportOptions>;

/** Each file has rejects of its own. */
function checkRejects(call: Call): void {
  if (call.options.rejects !== undefined && call.args.length > 1) {
    throw new CoterieError(
      'CONFIG_INVALID',
      `--rejects: expected one file to import, found ${call.args.length}: each has rejects of its own`,
      { option: 'rejects', expected: 1, found: call.args.length },
    );
  }
}

/** Reads the files in this process. */
async function importHere(call: Call, core: Core): Promise<Outcome | undefined> {
  const isBuiltIn = FACT_SOURCES.includes(call.options.as as FactSource);
  if (call.options.rejects !== undefined && !isBuiltIn) {
    throw new CoterieError(
      'CONFIG_INVALID',
      `--rejects: expected nothing with --as ${call.options.as}: of a source of a plug-in, the first bad rows are listed in the answer`,
      { option: 'rejects' },
    );
  }
  checkRejects(call);
  if (!isBuiltIn) return importEach(call, (file) => takePluginRows(call, factFile(call, file)));
  const defaults = defaultsOf(call.options);
  let useless: Outcome | undefined;
  for (const file of call.args) {
    const report = await core.importFile(
      {
        source: call.options.as as FactSource,
        file,
        map: call.options.map ?? {},
        strict: call.options.strict ?? false,
        // None is not the same as an empty one: a file is recognized by its options too.
        ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
        ...(call.options.replace ? { replaceLists: true } : {}),
        ...(call.options.stage ? { activateVersions: false } : {}),
        ...(call.options.delimiter === undefined ? {} : { delimiter: readDelimiter(call.options.delimiter) }),
        ...(call.options.format === undefined ? {} : { format: call.options.format }),
        ...(call.options.rejects === undefined ? {} : { rejectsFile: call.options.rejects }),
      },
      call.progress.step,
    );
    call.progress.stop();
    if (call.json) await call.terminal.printJson({ file, source: call.options.as, ...report });
    else await call.terminal.print(...importLines(call.options.as, file, report));
    if (report.rows > 0 && report.rejected === report.rows) {
      const { rows, reasons, firstReject } = report;
      const first = firstReject && `line ${firstReject.line}: ${firstReject.reason}`;
      useless ??= { file, rows, reasons, ...(first === undefined ? {} : { first }) };
    }
  }
  return useless;
}

/** Sends the rows of the files to a running server. */
async function importThere(call: Call, server: RemoteServer, url: string): Promise<Outcome | undefined> {
  checkRejects(call);
  return importEach(call, (file) => sendFile(call, server, file), url);
}

/** Takes in file by file; what is told of each is what is told of rows that are sent. */
async function importEach(
  call: Call,
  take: (file: string) => Promise<SendReport>,
  url?: string,
): Promise<Outcome | undefined> {
  let useless: Outcome | undefined;
  for (const file of call.args) {
    const report = await take(file);
    call.progress.stop();
    const server = url === undefined ? {} : { server: url };
    if (call.json) await call.terminal.printJson({ file, source: call.options.as, ...server, ...report });
    else await call.terminal.print(...sentLines(call.options.as, file, url, report));
    if (report.rows > 0 && report.rejected === report.rows) {
      const { rows, reasons, rejects } = report;
      const first = rejects[0] && `line ${rejects[0].line}: ${rejects[0].reason}`;
      useless ??= { file, rows, reasons, ...(first === undefined ? {} : { first }) };
    }
  }
  return useless;
}

function factFile(call: Call, file: string): FactFile {
  const { as, map, delimiter, format } = call.options;
  return {
    source: as,
    file,
    map: map ?? {},
    defaults: defaultsOf(call.options),
    ...(delimiter === undefined ? {} : { delimiter: readDelimiter(delimiter) }),
    ...(format === undefined ? {} : { format }),
  };
}

async function sendFile(call: Call, server: RemoteServer, file: string): Promise<SendReport> {
  const { as, strict = false, list, replace, stage } = call.options;
  if (replace && list === undefined) {
    throw new CoterieError(
      'CONFIG_INVALID',
      '--replace: expected --list with it, since a running server replaces one list at a time',
      { option: 'list' },
    );
  }
  const from = factFile(call, file);
  const path = rejectsPath(call, file);
  const rejects = path === undefined ? undefined : new RejectsWriter(path);
  const onRows = (done: number) => call.progress.step({ phase: 'sending rows', done });
  const options = { strict, onRows, ...(rejects === undefined ? {} : { rejects }) };
  try {
    if (replace) return await sendList(server, from, { ...options, list: list! });
    return await sendFacts(server, from, { ...options, activate: as === 'scores' && !stage });
  } catch (error) {
    await rejects?.discard();
    throw error;
  }
}

/** Beside the data, whose server has its folder open; undefined for a server elsewhere, unless a place is named. */
function rejectsPath({ options, config }: Call, file: string): string | undefined {
  if (options.rejects !== undefined) return options.rejects;
  if (config.url !== undefined) return undefined;
  const at = new Date().toISOString().replace(/[-:.]/g, '');
  return join(config.data, 'rejects', `import-${at}-${basename(file).replace(/\.csv$/i, '')}.csv`);
}

function readDelimiter(text: string): string {
  const delimiter = text === 'tab' || text === '\\t' ? '\t' : text;
  if ([...delimiter].length === 1) return delimiter;
  throw new CoterieError('CONFIG_INVALID', `--delimiter: expected one character or "tab", found "${text}"`, {
    option: 'delimiter',
    expected: 'one character',
    found: text,
  });
}
