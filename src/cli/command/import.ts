/** `coterie import`: files of facts, of every source. */
import { Option } from 'commander';
import type { Core } from '../../core/core.ts';
import type { FileFormat, ImportReport } from '../../core/engine/engine.ts';
import { CoterieError } from '../../model/error.ts';
import { FACT_SOURCES, type FactSource } from '../../model/fact.ts';
import { defineCommand, type Invocation } from '../command.ts';
import { withCoreOrServer } from '../core-access.ts';
import { type FactFile, factLines } from '../fact-lines.ts';
import { suggestNext } from '../next-step.ts';
import { pairsOption } from '../option-parsers.ts';
import type { RemoteServer } from '../parts.ts';
import { type SendReport, sendFacts, sendList } from '../send-facts.ts';
import { countOf, formatCount, formatRough, formatSeconds, visible } from '../words.ts';

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
    'While a server has the folder open, rows of CSV and NDJSON are sent to it, and are durable when it says so.\n\n' +
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
    new Option('--rejects <file>', 'where bad rows go (default: beside the data)'),
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
    const useless = await withCoreOrServer<Outcome | undefined>(
      call,
      { ifMissing: 'create', removesOldRejects: true },
      { local: (core) => importHere(call, core), remote: (server, url) => importThere(call, server, url) },
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
  if (call.options.rejects !== undefined && call.args.length > 1) {
    throw new CoterieError(
      'CONFIG_INVALID',
      `--rejects: expected one file to import, found ${call.args.length}: each has rejects of its own`,
      { option: 'rejects', expected: 1, found: call.args.length },
    );
  }
  if (!isBuiltIn) return importEach(call, (file) => readRows(call, file));
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
    else await printReport(call, file, report);
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
  if (call.options.rejects !== undefined) {
    throw new CoterieError(
      'CONFIG_INVALID',
      `--rejects: expected nothing, since the rows go to the server at ${url}, which lists the first bad ones in its answer`,
      { option: 'rejects' },
    );
  }
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
    else await printSent(call, file, url, report);
    if (report.rows > 0 && report.rejected === report.rows) {
      const { rows, reasons, rejects } = report;
      const first = rejects[0] && `row ${rejects[0].row}: ${rejects[0].reason}`;
      useless ??= { file, rows, reasons, ...(first === undefined ? {} : { first }) };
    }
  }
  return useless;
}

/** Reads the rows of a plug-in's source, which its own code reads, in this process. */
async function readRows(call: Call, file: string): Promise<SendReport> {
  const { as: source, strict = false } = call.options;
  const began = performance.now();
  let count = 0;
  async function* rows() {
    for await (const line of factLines(factFile(call, file))) {
      count++;
      if (count % PROGRESS_ROWS === 0) call.progress.step({ phase: 'reading rows', done: count });
      yield [jsonRow(line)];
    }
  }
  const { rejects, ...report } = await call.parts.takeRows(call.config, { source, rows: rows(), strict });
  return {
    rows: count,
    warnings: {},
    ...report,
    rejects: rejects.map(({ index, reason }) => ({ row: index + 1, reason })),
    seconds: (performance.now() - began) / 1000,
  };
}

/** What is no JSON is no object either, and is set aside as such. */
function jsonRow(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

const PROGRESS_ROWS = 10_000;

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
  const from = factFile(call, file);
  const onRows = (done: number) => call.progress.step({ phase: 'sending rows', done });
  if (!replace) return sendFacts(server, from, { strict, activate: as === 'scores' && !stage, onRows });
  if (list !== undefined) return sendList(server, from, { list, strict, onRows });
  throw new CoterieError(
    'CONFIG_INVALID',
    '--replace: expected --list with it, since a running server replaces one list at a time',
    { option: 'list' },
  );
}

async function printSent(
  call: Call,
  file: string,
  url: string | undefined,
  report: SendReport,
): Promise<void> {
  const rate = report.seconds > 0 ? `, ${formatRough(report.rows / report.seconds)} rows/s` : '';
  const lines = [
    `${file}: ${countOf(report.rows, 'row')} of ${call.options.as}${url === undefined ? '' : ` sent to ${url}`} in ${formatSeconds(report.seconds)}${rate}`,
    `  accepted   ${formatCount(report.accepted)}`,
    ...unusualCounts(report),
  ];
  if (report.unchanged !== undefined) lines.push(`  unchanged  ${formatCount(report.unchanged)}`);
  if (report.unknown) lines.push(newCustomers(report.unknown));
  for (const { model, version } of report.activated ?? []) {
    lines.push(`  in force   ${visible(model)} ${visible(version)}`);
  }
  if (report.rejected > 0) {
    lines.push(`  set aside  ${formatCount(report.rejected)}`);
    for (const [reason, rows] of Object.entries(report.reasons)) {
      const first = report.rejects.find((reject) => reject.reason === reason);
      const where = first === undefined ? '' : `, first in row ${first.row}`;
      lines.push(`    ${formatCount(rows)}  ${reason}${where}`);
    }
  }
  lines.push(...warningLines(report));
  await call.terminal.print(...lines);
}

async function printReport(
  call: Invocation<ImportOptions>,
  file: string,
  report: ImportReport,
): Promise<void> {
  const rate = report.seconds > 0 ? `, ${formatRough(report.rows / report.seconds)} rows/s` : '';
  const lines = [
    `${file}: ${countOf(report.rows, 'row')} of ${call.options.as} in ${formatSeconds(report.seconds)}${rate}`,
    `  added      ${formatCount(report.added)}`,
    `  replaced   ${formatCount(report.replaced)}`,
    `  unchanged  ${formatCount(report.unchanged)}`,
    ...unusualCounts(report),
  ];
  if (report.newCustomers && call.options.as === 'lists') lines.push(newCustomers(report.newCustomers));
  if (report.rejected > 0) {
    lines.push(
      `  set aside  ${formatCount(report.rejected)}${report.rejectsFile ? `, in ${report.rejectsFile}` : ''}`,
    );
    for (const [reason, rows] of Object.entries(report.reasons))
      lines.push(`    ${formatCount(rows)}  ${reason}`);
  }
  lines.push(...warningLines(report));
  await call.terminal.print(...lines);
}

function newCustomers(count: number): string {
  return `  unknown    ${countOf(count, 'customer')} never heard of before`;
}

function unusualCounts({ erased, moved }: Pick<ImportReport, 'erased' | 'moved'>): string[] {
  return [
    ...(erased ? [`  dropped    ${formatCount(erased)}, about customers who were forgotten`] : []),
    ...(moved ? [`  moved      ${formatCount(moved)}, from another customer`] : []),
  ];
}

function warningLines({ warnings }: Pick<ImportReport, 'warnings'>): string[] {
  return Object.entries(warnings).map(
    ([warning, rows]) => `  warning    ${countOf(rows, 'row')}: ${warning}`,
  );
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
