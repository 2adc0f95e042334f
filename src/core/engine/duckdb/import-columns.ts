/** Which column of a file each field is read from. */
import { CoterieError } from '../../../model/error.ts';
import { FACT_FIELDS, NEEDED_FIELDS, takesAnyField } from '../../../model/fact-field.ts';
import type { ImportRequest } from '../engine.ts';

/** A field is read from a column of the file, or has one value for all rows, or is absent. */
export type FieldOrigin =
  | { readonly kind: 'column'; readonly column: string }
  | { readonly kind: 'value'; readonly value: string };

export interface ColumnPlan {
  /** By field; fields without an origin are absent. */
  readonly fields: ReadonlyMap<string, FieldOrigin>;
  /** Of customers, traits, and of events, properties: name → column. */
  readonly named: ReadonlyMap<string, string>;
  /** Columns that nothing is read from, since the source has no such field. */
  readonly unread: readonly string[];
}

const DELIMITERS = [',', ';', '\t', '|'];

/**
 * Decides where fields come from. Of customers, every other column is a trait under its own name (of events,
 * a property), unless `map` names it otherwise (`age=household_age`) or leaves it out (`notes=`).
 *
 * @param header - The file's columns.
 * @throws {CoterieError} `IMPORT_COLUMNS_MISSING`.
 */
export function planColumns(
  request: ImportRequest,
  header: readonly string[],
  delimiter: string,
): ColumnPlan {
  const { source, map, defaults = {} } = request;
  const fields = new Map<string, FieldOrigin>();
  const missing: string[] = [];
  for (const field of FACT_FIELDS[source]) {
    const column = map[field] ?? field;
    if (map[field] === '') continue;
    if (header.includes(column)) fields.set(field, { kind: 'column', column });
    else if (defaults[field] !== undefined) fields.set(field, { kind: 'value', value: defaults[field] });
    else if (map[field] !== undefined) missing.push(column);
  }
  for (const field of NEEDED_FIELDS[source]) {
    const column = map[field] || field;
    if (!fields.has(field) && !missing.includes(column)) missing.push(column);
  }
  const others = Object.keys({ ...map, ...defaults }).filter((field) => !FACT_FIELDS[source].includes(field));
  if (takesAnyField(source)) {
    missing.push(
      ...others.map((name) => map[name] ?? '').filter((name) => name !== '' && !header.includes(name)),
    );
  } else if (others.length > 0) {
    throw new CoterieError(
      'IMPORT_COLUMNS_MISSING',
      `${source} have no field ${quoted(others)}: expected one of ${FACT_FIELDS[source].join(', ')}`,
      { fields: others, expected: FACT_FIELDS[source] },
    );
  }
  if (missing.length > 0) throw missingColumns(request, header, missing, delimiter);
  const named = takesAnyField(source) ? planNamed(request, header, fields) : new Map<string, string>();
  const used = [
    ...named.values(),
    ...[...fields.values()].flatMap((o) => (o.kind === 'column' ? [o.column] : [])),
  ];
  const twice = used.filter((column) => header.indexOf(column) !== header.lastIndexOf(column));
  if (twice.length > 0) {
    throw new CoterieError(
      'IMPORT_COLUMNS_MISSING',
      `${request.file} has two columns named ${quoted([...new Set(twice)])}: name each column once`,
      { file: request.file, columns: twice },
    );
  }
  const unread = takesAnyField(source)
    ? []
    : header.filter((column) => column !== '' && !used.includes(column) && map[column] !== '');
  return { fields, named, unread: [...new Set(unread)] };
}

/** Columns with which a plan is whole. */
export function columnsSought({ source, map }: ImportRequest): readonly string[] {
  return [...new Set([...FACT_FIELDS[source], ...Object.values(map)])];
}

function planNamed(
  { source, map }: ImportRequest,
  header: readonly string[],
  fields: ReadonlyMap<string, FieldOrigin>,
): Map<string, string> {
  const ofFields = new Set(
    [...fields.values()].map((origin) => (origin.kind === 'column' ? origin.column : '')),
  );
  const renamed = new Map(Object.entries(map).filter(([name]) => !FACT_FIELDS[source].includes(name)));
  const taken = new Set(renamed.values());
  const named = new Map<string, string>();
  for (const column of header) {
    if (column === '' || ofFields.has(column)) continue;
    // A field that the mapping leaves out is left out, and no name of anything.
    if (FACT_FIELDS[source].includes(column) && map[column] === '') continue;
    if (!taken.has(column) && renamed.get(column) === undefined) named.set(column, column);
  }
  for (const [name, column] of renamed) if (column !== '') named.set(name, column);
  return named;
}

function missingColumns(
  request: ImportRequest,
  header: readonly string[],
  missing: readonly string[],
  delimiter: string,
): CoterieError {
  const other =
    header.length === 1 ? DELIMITERS.find((one) => one !== delimiter && header[0]!.includes(one)) : undefined;
  const hint =
    other === undefined
      ? 'name them with --map field=column, or give all rows one value with --default field=value'
      : `the header seems to be separated by ${other === '\t' ? 'tabs' : `"${other}"`}: try --delimiter '${other === '\t' ? '\\t' : other}'`;
  return new CoterieError(
    'IMPORT_COLUMNS_MISSING',
    `${request.file} has no column ${quoted(missing)}; it has ${quoted(header)}; ${hint}`,
    { file: request.file, missing, found: header, ...(other === undefined ? {} : { delimiter: other }) },
  );
}

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
