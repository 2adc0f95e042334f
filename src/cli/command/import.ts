/** `coterie import`: files of orders, stores or customers into the facts. */
import { Option } from 'commander';
import type { Core } from '../../core/core.ts';
import type { FactSource, FileFormat, ImportReport } from '../../core/engine/engine.ts';
import { CoterieError } from '../../model/error.ts';
import { defineCommand, type Invocation } from '../command.ts';
import { withCoreOrServer } from '../core-access.ts';
import { suggestNext } from '../next-step.ts';
import { pairsOption } from '../option-parsers.ts';
import type { RemoteServer } from '../parts.ts';
import { type SendReport, sendFacts } from '../send-facts.ts';
import { countOf, formatCount, formatRough, formatSeconds } from '../words.ts';

interface ImportOptions {
  readonly as: FactSource;
  readonly map?: Readonly<Record<string, string>>;
  readonly default?: Readonly<Record<string, string>>;
  readonly delimiter?: string;
  readonly format?: FileFormat;
  readonly strict?: boolean;
  readonly rejects?: string;
}

export const importCommand = defineCommand<ImportOptions>({
  name: 'import',
  summary: 'read files of orders, stores or customers',
  description:
    'Reads CSV, TSV, NDJSON and Parquet, gzipped or not, as one batch each: all of a file or nothing.\n' +
    'Reading a file again changes nothing; a later version of an order replaces the earlier one.\n' +
    'Rows that cannot be read are set aside in a file with line and reason, and nothing else is lost.\n' +
    'While a server has the folder open, rows of CSV and NDJSON are sent to it, and are durable when it says so.\n\n' +
    'An order is known by its customer and its id. A correction that moves one to another customer adds an\n' +
    'order: cancel the old one too, with a row of the same customer and id and the status cancelled.\n\n' +
    'Fields of orders:    customer_id, order_id, ordered_at, total (needed); store_id, discount, currency, status\n' +
    'Fields of stores:    store_id (needed); brand, city, category, tags, opened_at, closed_at\n' +
    'Fields of customers: customer_id (needed); every other column is a trait of its own name',
  arguments: [{ name: '<files...>', help: 'files to read, in this order' }],
  options: [
    new Option('--as <source>', 'what the rows are')
      .choices(['orders', 'stores', 'customers'])
      .makeOptionMandatory(),
    pairsOption(
      '--map <field=column>',
      'where a field has another name in the file; give it once for each field',
    ),
    pairsOption(
      '--default <field=value>',
      'value of a field that the file does not have, such as currency=EUR',
    ),
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
      says: 'In a script: fail on any bad row, answer in JSON',
      line: 'coterie import orders.ndjson --as orders --strict --json',
    },
  ],
  async run(call) {
    const useless = await withCoreOrServer<Outcome | undefined>(
      call,
      { ifMissing: 'create' },
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
    suggestNext(call, 'apply <definitions>', 'calculate');
  },
});

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
  if (call.options.rejects !== undefined && call.args.length > 1) {
    throw new CoterieError(
      'CONFIG_INVALID',
      `--rejects: expected one file to import, found ${call.args.length}: each has rejects of its own`,
      { option: 'rejects', expected: 1, found: call.args.length },
    );
  }
  let useless: Outcome | undefined;
  for (const file of call.args) {
    const report = await core.importFile(
      {
        source: call.options.as,
        file,
        map: call.options.map ?? {},
        strict: call.options.strict ?? false,
        ...(call.options.default === undefined ? {} : { defaults: call.options.default }),
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
  let useless: Outcome | undefined;
  for (const file of call.args) {
    const report = await sendFacts(
      server,
      {
        source: call.options.as,
        file,
        map: call.options.map ?? {},
        defaults: call.options.default ?? {},
        ...(call.options.delimiter === undefined ? {} : { delimiter: readDelimiter(call.options.delimiter) }),
        ...(call.options.format === undefined ? {} : { format: call.options.format }),
      },
      {
        strict: call.options.strict ?? false,
        onRows: (done) => call.progress.step({ phase: 'sending rows', done }),
      },
    );
    call.progress.stop();
    if (call.json) await call.terminal.printJson({ file, source: call.options.as, server: url, ...report });
    else await printSent(call, file, url, report);
    if (report.rows > 0 && report.rejected === report.rows) {
      const { rows, reasons, rejects } = report;
      const first = rejects[0] && `row ${rejects[0].row}: ${rejects[0].reason}`;
      useless ??= { file, rows, reasons, ...(first === undefined ? {} : { first }) };
    }
  }
  return useless;
}

async function printSent(call: Call, file: string, url: string, report: SendReport): Promise<void> {
  const rate = report.seconds > 0 ? `, ${formatRough(report.rows / report.seconds)} rows/s` : '';
  const lines = [
    `${file}: ${countOf(report.rows, 'row')} of ${call.options.as} sent to ${url} in ${formatSeconds(report.seconds)}${rate}`,
    `  accepted   ${formatCount(report.accepted)}`,
    ...unusualCounts(report),
  ];
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
