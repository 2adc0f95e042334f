/**
 * The catalogue of operating failures: one row per stable code, with the HTTP status, whether trying
 * again can help, and what to do. Only the API's error handler makes HTTP of it; the client rebuilds
 * the same class. `docs/reference/errors.md` is generated from it. A bug is an assertion, not a row.
 */

interface CatalogueRow {
  /** HTTP status of the problem+json answer. */
  readonly status: number;
  /** Whether the same request can succeed later, unchanged. */
  readonly retry: boolean;
  /** One line: what went wrong, in general. */
  readonly title: string;
  /** One sentence: what the reader does about it. */
  readonly remedy: string;
}

const row = (status: number, retry: boolean, title: string, remedy: string): CatalogueRow => ({
  status,
  retry,
  title,
  remedy,
});

export const ERROR_CATALOGUE = {
  DEFINITION_SYNTAX: row(
    400,
    false,
    'A definition is not well-formed YAML or JSON',
    'Correct the text at the place given.',
  ),
  DEFINITION_INVALID: row(
    400,
    false,
    'A definition does not follow the schema',
    'Correct the field named; the schema is served at /v1/schema and printed by `coterie schema`.',
  ),
  DEFINITION_TOO_LARGE: row(
    400,
    false,
    'A definition is too deep or too large',
    'Split the rule into segments of its own and refer to them.',
  ),
  POPULATIONS_TOO_MANY: row(
    400,
    false,
    'Definitions rank more populations than a calculation takes',
    'Rank over fewer stores, windows or filters, or pause segments; the message says how many there are.',
  ),
  SEGMENT_TYPE_UNKNOWN: row(
    400,
    false,
    'No such segment type',
    'Use one of the types listed in the message, or name the plug-in that brings the type in the setting `plugins`.',
  ),
  FACT_SOURCE_UNKNOWN: row(
    400,
    false,
    'A rule has a condition on a source of facts that is not installed',
    'Name the plug-in that brings the source in the setting `plugins`, or archive the definition.',
  ),
  PLUGIN_INVALID: row(
    500,
    false,
    'A plug-in cannot be used',
    'Correct the module named, or take it out of the setting `plugins`.',
  ),
  PLUGIN_FAILED: row(
    500,
    false,
    'A plug-in failed',
    'Correct the plug-in named, or archive the definitions that use it; what is served stays as it is until then.',
  ),
  SEGMENT_CYCLE: row(
    400,
    false,
    'Segments refer to each other in a circle',
    'Remove one of the references on the path printed.',
  ),
  SEGMENT_REFERENCE_UNKNOWN: row(
    400,
    false,
    'A rule refers to a segment that does not exist',
    'Define the segment first, or in the same file.',
  ),
  SEGMENT_IN_USE: row(
    409,
    false,
    'A segment that others refer to cannot be archived',
    'Change or archive the segments that refer to it first, or at once in the same file.',
  ),
  SEGMENT_KEY_INVALID: row(
    400,
    false,
    'A segment key is not allowed',
    'Use 1 to 200 characters: letters, digits, ".", "_", "-", and one "@" in keys of family instances.',
  ),
  SEGMENT_NOT_FOUND: row(404, false, 'No such segment', 'Check the key with GET /v1/segments?q=.'),
  SEGMENT_DEFINED_LATER: row(
    404,
    false,
    'The segment was defined later than what was asked about',
    'Ask about a later moment, or without knowledge=then; GET /v1/segments/{key}/versions tells when it was defined. Answers about the present have it from the next tick or calculation on.',
  ),
  SEGMENTS_UNKNOWN: row(
    404,
    false,
    'Some segments are unknown and strict was asked for',
    'Check the keys listed, or ask without strict.',
  ),
  DURATION_INVALID: row(
    400,
    false,
    'Not a window',
    'Write a whole number above 0 and a unit: s, m, h, d or w, such as 30d.',
  ),
  MOMENT_INVALID: row(
    400,
    false,
    'Not a moment',
    'Write ISO 8601, such as 2026-03-01T12:00:00Z or 2026-03-01.',
  ),
  AMOUNT_INVALID: row(400, false, 'Not an amount', 'Write a decimal with at most 4 places, such as 19.95.'),
  CUSTOMER_ID_INVALID: row(400, false, 'Not a customer id', 'A customer id has 1 to 512 bytes in UTF-8.'),
  REQUEST_INVALID: row(
    400,
    false,
    'The request is not as the API describes it',
    'Correct the field named; see /docs.',
  ),
  BODY_TOO_LARGE: row(413, false, 'The body is larger than the limit', 'Send it in parts.'),
  MEDIA_TYPE_UNSUPPORTED: row(
    415,
    false,
    'The body has a type that this route does not read',
    'Send application/json, or the type that /docs names.',
  ),
  ROUTE_NOT_FOUND: row(404, false, 'No such route', 'See /docs for the routes.'),
  RATE_LIMITED: row(429, true, 'Too many requests', 'Wait for the time in Retry-After.'),
  OVERLOADED: row(503, true, 'The service is overloaded', 'Wait for the time in Retry-After.'),
  SERVER_UNREACHABLE: row(
    503,
    true,
    'The server does not answer',
    'Check the address, and that the server runs: GET /healthz.',
  ),
  NOT_CALCULATED: row(
    503,
    true,
    'Nothing has been calculated yet',
    'Run `coterie calculate`, or POST /v1/calculations.',
  ),
  CALCULATION_RUNNING: row(
    409,
    true,
    'A calculation is already running',
    'Wait until it ends; GET /v1/calculations tells.',
  ),
  CALCULATION_SUPERSEDED: row(
    409,
    true,
    'A tick was calculated on top of memberships that are no longer served',
    'Nothing: the next tick starts from what is served now.',
  ),
  CALCULATION_NOT_FOUND: row(
    404,
    false,
    'No such calculation',
    'GET /v1/calculations lists those of the process that you ask.',
  ),
  CORE_UNAVAILABLE: row(
    503,
    true,
    'This process serves memberships only',
    'Ask the Core, or start with --role all.',
  ),
  IMPORT_FILE_UNREADABLE: row(
    400,
    false,
    'The file cannot be read',
    'Check that the file exists, is complete and has the format its name says.',
  ),
  IMPORT_COLUMNS_MISSING: row(
    400,
    false,
    'The file lacks columns that are needed',
    'Name the columns with --map field=column, and the separator with --delimiter.',
  ),
  IMPORT_ROW_REJECTED: row(
    400,
    false,
    'A row is bad and --strict was asked for',
    'Correct the row named, or import without --strict: bad rows are then set aside.',
  ),
  IMPORT_NOTHING_USABLE: row(
    400,
    false,
    'No row of the file can be used',
    'Look at the reasons: the columns may be named wrongly in --map, or the separator in --delimiter.',
  ),
  INGEST_OVERLOADED: row(
    429,
    true,
    'Facts arrive faster than they can be made durable',
    'Send the same rows again after the time in Retry-After; none of this request were taken.',
  ),
  MODEL_VERSION_NOT_FOUND: row(
    404,
    false,
    'The model has no such version',
    'GET /v1/models lists models with their versions; send scores of the version first.',
  ),
  LIST_NOT_FOUND: row(
    404,
    false,
    'No such list',
    'GET /v1/lists lists them; one is made by its first entry.',
  ),
  STREAM_UNREACHABLE: row(
    503,
    true,
    'A broker of messages cannot be reached',
    'Check the address and that the broker runs; reading goes on by itself once it answers.',
  ),
  STREAM_NOT_FOUND: row(
    404,
    true,
    'The broker has no such stream or topic',
    'Create it, or correct --nats-stream or --kafka-topics; reading begins by itself once it is there.',
  ),
  STREAM_POSITION_LOST: row(
    409,
    false,
    'The broker holds less than was taken in from it',
    'The broker has lost messages, as after the restore of an older copy: create the stream or topic anew and publish to it; taking facts in again changes nothing.',
  ),
  CHANGES_EXPIRED: row(
    410,
    false,
    'The changes after this position are no longer kept',
    'Read what is served now (segments and their members), then follow changes from the oldest position, which is in the details.',
  ),
  WEBHOOK_INVALID: row(
    400,
    false,
    'A webhook is not as it must be',
    'Correct the field named; see the guide about streaming.',
  ),
  WEBHOOK_NOT_FOUND: row(404, false, 'No such webhook', 'GET /v1/webhooks lists them.'),
  DATA_FOLDER_MISSING: row(
    500,
    false,
    'There is no data folder',
    'Name it with --data, or fill one: `coterie start` makes an example, `coterie import` brings your own.',
  ),
  DATA_FOLDER_NEWER: row(
    500,
    false,
    'The data folder was made by a newer version',
    'Use that version of Coterie or a newer one, or another data folder.',
  ),
  DATA_FOLDER_LOCKED: row(
    500,
    true,
    'Another process has the data folder open',
    'Stop that process, or send the work to it over HTTP.',
  ),
  DATA_FOLDER_UNWRITABLE: row(
    500,
    false,
    'The data folder cannot be written',
    'Check that the folder exists and that this user may write it, or name another with --data.',
  ),
  DATA_FOLDER_CORRUPT: row(
    500,
    false,
    'The data folder holds something unreadable',
    'Restore it from a copy, or remove the part named and calculate again.',
  ),
  DATA_FOLDER_NOT_EMPTY: row(
    409,
    false,
    'The data folder already holds facts',
    'Name an empty data folder with --data.',
  ),
  SIMULATION_INVALID: row(
    400,
    false,
    'A marketplace cannot be simulated with these sizes or times',
    'Correct the option named; `coterie simulate --help` lists them.',
  ),
  DISK_FULL: row(
    507,
    true,
    'The disk is full',
    'Free space where the data folder is; nothing acknowledged was lost.',
  ),
  PORT_IN_USE: row(
    500,
    true,
    'The port is in use',
    'Choose another with --port, or stop what listens there.',
  ),
  CONFIG_INVALID: row(
    500,
    false,
    'An option has a value that is not allowed',
    'Correct the option named; `coterie --help` lists them.',
  ),
  MEMBERSHIPS_WRONG: row(
    500,
    false,
    'What is served differs from what the facts say',
    'Calculate again; if it differs then, this is a defect of Coterie: report it with the pairs shown.',
  ),
  ENGINE_FAILED: row(
    500,
    false,
    'The engine refused a statement',
    'This is a defect of Coterie: report it with the message.',
  ),
  INTERNAL: row(
    500,
    false,
    'Something unexpected happened',
    'This is a defect of Coterie: report it with the request id.',
  ),
} as const satisfies Record<string, CatalogueRow>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** An operating failure. `message` says what happened, in words, with the values that matter. */
export class CoterieError extends Error {
  override readonly name = 'CoterieError';
  readonly code: ErrorCode;
  /** Machine-readable particulars: file, line, field, expected, found … */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return ERROR_CATALOGUE[this.code].status;
  }

  get retry(): boolean {
    return ERROR_CATALOGUE[this.code].retry;
  }

  get remedy(): string {
    return ERROR_CATALOGUE[this.code].remedy;
  }
}
