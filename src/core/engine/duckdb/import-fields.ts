/**
 * SQL that reads the fields of a row: what each must be, the reason why a row is set aside, and its value.
 * Every field is text or NULL, and an empty one is NULL: the source has no such fact.
 */
import { ID_BYTES_MAX } from '../../../model/fact.ts';
import { FACT_FIELDS } from '../../../model/fact-field.ts';
import { FACT_REASON, TRAIT_BYTES_MAX } from '../../../model/fact-reason.ts';
import type { FactSource } from '../engine.ts';
import { STATUS_CODE } from '../fact-batch.ts';
import type { ColumnPlan } from './import-columns.ts';
import { hashedPart, propertyFields } from './import-event-fields.ts';
import { literal } from './quote-sql.ts';

/** Rows that can be read: a FROM clause, its line number, and its columns as text. */
export interface Relation {
  readonly from: string;
  readonly line: string;
  readonly columns: readonly string[];
  /** That there is no row, and so nothing to say of columns. */
  readonly isEmpty?: boolean;
  /** The row as it was written, where that is at hand. */
  readonly text?: string;
  /** The expression of a column, VARCHAR. */
  column(name: string): string;
  /** The same of a value that is a text whatever it comes as; absent: as `column`. */
  valueText?(name: string): string;
  /** Where rows may differ in what they have: whether a row has the column, and whether it holds text or a number. */
  readonly json?: { has(name: string): string; isPlain(name: string): string };
}

/** A row's checked fields, by the name of the staged column, and the first reason against it. */
export interface CheckedFields {
  /** What is worked out of the text once, by name, for the values and the reason to refer to. */
  readonly derived: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string>>;
  /** NULL for a good row. */
  readonly reason: string;
}

const MOMENT_SHAPE =
  '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][01][0-9](:?[0-5][0-9])?)?)?';
const AMOUNT_SHAPE = '-?[0-9]+([.][0-9]+)?';
const AMOUNT_EXACT = '-?[0-9]{1,9}([.][0-9]{1,4}0*)?';

/** A CASE that gives the first reason that applies. */
function firstReason(checks: readonly (readonly [condition: string, reason: string])[]): string {
  return `CASE ${checks.map(([condition, reason]) => `WHEN ${condition} THEN ${literal(reason)}`).join(' ')} END`;
}

type Check = readonly [condition: string, reason: string];

function idChecks(text: string, name: string, needed: boolean): Check[] {
  const missing: Check[] = needed ? [[`${text} IS NULL`, FACT_REASON.missingId(name)]] : [];
  return [
    ...missing,
    [`NOT ${text}_plain`, FACT_REASON.notText(name)],
    [`strlen(${text}) > ${ID_BYTES_MAX}`, FACT_REASON.tooLong(name)],
    [`regexp_matches(${text}, '[\\x00-\\x1f\\x7f]')`, FACT_REASON.controlCharacters(name)],
  ];
}

/** Seconds since 1970, or NULL for what is no moment. A time without an offset is UTC. */
function momentValue(text: string): string {
  // DuckDB reads an offset only after seconds.
  const withSeconds = `regexp_replace(${text}, '^(.{16})(Z|[+-].*)$', '\\1:00\\2')`;
  const moment = `coalesce(TRY_CAST(${text} AS TIMESTAMPTZ), TRY_CAST(${withSeconds} AS TIMESTAMPTZ))`;
  return `CASE WHEN regexp_full_match(${text}, '${MOMENT_SHAPE}') THEN epoch_us(${moment}) // 1000000 END`;
}

function momentChecks(text: string, value: string, name: string): Check[] {
  return [
    [`${text} IS NOT NULL AND ${value} IS NULL`, FACT_REASON.unreadableDate(name)],
    [`${value} NOT BETWEEN 0 AND 4294967295`, FACT_REASON.dateOutside(name)],
  ];
}

const amountValue = (text: string) => `coalesce((TRY_CAST(${text} AS DECIMAL(18, 4)) * 10000)::BIGINT, 0)`;

function amountChecks(text: string, name: string): Check[] {
  // The first part fails for nearly all rows, and then nothing more is looked at.
  const inexact = `NOT regexp_full_match(${text}, '${AMOUNT_EXACT}')`;
  return [
    [`${inexact} AND NOT regexp_full_match(${text}, '${AMOUNT_SHAPE}')`, FACT_REASON.notNumber(name)],
    [`${inexact} AND regexp_matches(${text}, '^-?0*[0-9]{10}')`, FACT_REASON.tooLarge(name)],
    [inexact, FACT_REASON.inexact(name)],
  ];
}

/** The text of a field: trimmed where blanks mean nothing, NULL where it is empty or absent. */
function fieldText(plan: ColumnPlan, relation: Relation, field: string, trimmed: boolean): string {
  const origin = plan.fields.get(field);
  if (origin === undefined) return 'NULL::VARCHAR';
  // Properties may come as an object, of which the text is JSON.
  const read = field === 'properties' ? (relation.valueText ?? relation.column) : relation.column;
  const text = origin.kind === 'value' ? literal(origin.value) : read(origin.column);
  return `nullif(${trimmed ? `trim(${text})` : text}, '')`;
}

/** Whether a row's field passes a test that only JSON can fail. */
function jsonTest(plan: ColumnPlan, relation: Relation, field: string, test: 'has' | 'isPlain'): string {
  const origin = plan.fields.get(field);
  if (relation.json === undefined || origin?.kind !== 'column') return 'true';
  return relation.json[test](origin.column);
}

/**
 * The checks of a source. The fields are read once, by name, in a subquery: `fieldsSql` gives it, and the
 * expressions here refer to its columns.
 */
export function checkFields(source: FactSource, plan: ColumnPlan): CheckedFields {
  if (source === 'orders') return checkOrder();
  if (source === 'stores') return checkStore();
  if (source === 'events') return checkEvent(plan);
  if (source === 'scores') return checkScore();
  if (source === 'lists') return checkListEntry();
  const traits = [...plan.named.keys()].map(
    (_, i): Check => [`strlen(named_${i}) > ${TRAIT_BYTES_MAX}`, FACT_REASON.traitTooLong],
  );
  return {
    derived: {},
    values: { customer_id: 'customer_id' },
    reason: firstReason([...idChecks('customer_id', 'customer id', true), ...traits]),
  };
}

/** Fields that are compared byte by byte, and so are read as they stand. */
const ID_FIELDS: readonly string[] = [
  'customer_id',
  'order_id',
  'store_id',
  'previous_customer_id',
  'event_id',
  'name',
  'model',
  'version',
  'list',
];

/** A subquery with `line` and one column of text for each field, and for each trait or property. */
export function fieldsSql(source: FactSource, plan: ColumnPlan, relation: Relation): string {
  const columns: string[] = [`${relation.line} AS line`];
  for (const name of FACT_FIELDS[source]) {
    const isId = ID_FIELDS.includes(name);
    columns.push(`${fieldText(plan, relation, name, !isId)} AS ${name}`);
    if (isId) columns.push(`${jsonTest(plan, relation, name, 'isPlain')} AS ${name}_plain`);
    if (name === 'total') columns.push(`${jsonTest(plan, relation, name, 'has')} AS total_given`);
  }
  const text = (column: string) => relation.valueText?.(column) ?? relation.column(column);
  [...plan.named.values()].forEach((column, i) => {
    columns.push(`nullif(${text(column)}, '') AS named_${i}`);
  });
  return `(SELECT ${columns.join(', ')} FROM ${relation.from})`;
}

function checkOrder(): CheckedFields {
  const status = `coalesce(replace(lower(status), 'canceled', 'cancelled'), 'completed')`;
  const statuses = Object.entries(STATUS_CODE).map(([name, no]) => `WHEN ${literal(name)} THEN ${no}`);
  const statusNo = `CASE ${status} ${statuses.join(' ')} END`;
  return {
    derived: {
      ordered_at_s: momentValue('ordered_at'),
      total_e4: amountValue('total'),
      discount_e4: amountValue('discount'),
      status_no: statusNo,
    },
    values: {
      customer_id: 'customer_id',
      order_id: 'order_id',
      store_id: 'store_id',
      ordered_at: 'ordered_at_s',
      total_e4: 'total_e4',
      discount_e4: 'discount_e4',
      currency: `upper(coalesce(currency, ''))`,
      status: 'status_no',
      previous_customer_id: 'previous_customer_id',
    },
    reason: firstReason([
      ...idChecks('customer_id', 'customer id', true),
      ...idChecks('order_id', 'order id', true),
      ...idChecks('store_id', 'store id', false),
      ['ordered_at IS NULL', FACT_REASON.missingDate],
      ...momentChecks('ordered_at', 'ordered_at_s', 'date'),
      ['NOT total_given', FACT_REASON.missingTotal],
      ...amountChecks('total', 'total'),
      ...amountChecks('discount', 'discount'),
      ['discount_e4 < 0', FACT_REASON.negativeDiscount],
      ...idChecks('previous_customer_id', 'previous customer id', false),
      [`NOT regexp_full_match(currency, '[A-Za-z][A-Za-z0-9]{2,9}')`, FACT_REASON.notCurrency],
      ['status_no IS NULL', FACT_REASON.unknownStatus],
    ]),
  };
}

function checkStore(): CheckedFields {
  const attributes = ['brand', 'city', 'category', 'tags'].map(
    (name): Check => [`strlen(${name}) > ${ID_BYTES_MAX}`, FACT_REASON.tooLong(name)],
  );
  return {
    derived: { opened_at_s: momentValue('opened_at'), closed_at_s: momentValue('closed_at') },
    values: {
      store_id: 'store_id',
      brand: 'brand',
      city: 'city',
      category: 'category',
      // Tags are separated by semicolons; an order of theirs has no meaning, nor has one twice.
      tags: `list_sort(list_distinct(list_filter(list_transform(string_split(tags, ';'), lambda tag: trim(tag)), lambda tag: tag <> '')))`,
      opened_at: 'opened_at_s',
      closed_at: 'closed_at_s',
    },
    reason: firstReason([
      ...idChecks('store_id', 'store id', true),
      ...attributes,
      ...momentChecks('opened_at', 'opened_at_s', 'opening date'),
      ...momentChecks('closed_at', 'closed_at_s', 'closing date'),
    ]),
  };
}

function checkEvent(plan: ColumnPlan): CheckedFields {
  const properties = propertyFields(plan);
  const hashed = ['customer_id', 'name', 'occurred_at_s::VARCHAR'].map(hashedPart).join(' || ');
  return {
    derived: { occurred_at_s: momentValue('occurred_at'), ...properties.prepared },
    values: {
      customer_id: 'customer_id',
      event_id: `coalesce(event_id, substr(sha256(${hashed} || ${properties.hashed}), 1, 32))`,
      name: 'name',
      occurred_at: 'occurred_at_s',
      properties: properties.object,
    },
    reason: firstReason([
      ...idChecks('customer_id', 'customer id', true),
      ...idChecks('event_id', 'event id', false),
      ...idChecks('name', 'event name', true),
      ['occurred_at IS NULL', FACT_REASON.missingDate],
      ...momentChecks('occurred_at', 'occurred_at_s', 'date'),
      [properties.isNoObject, FACT_REASON.propertiesNotObject],
      [properties.isTooLong, FACT_REASON.propertyTooLong],
    ]),
  };
}

const NUMBER_SHAPE = '-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?';

function checkScore(): CheckedFields {
  return {
    // No negative zero.
    derived: {
      value_number: `CASE WHEN regexp_full_match(value, '${NUMBER_SHAPE}') THEN TRY_CAST(value AS DOUBLE) + 0 END`,
      valid_until_s: momentValue('valid_until'),
    },
    values: {
      customer_id: 'customer_id',
      model: 'model',
      version: `coalesce(version, '')`,
      value: 'value_number',
      valid_until: 'valid_until_s',
    },
    reason: firstReason([
      ...idChecks('customer_id', 'customer id', true),
      ...idChecks('model', 'model', true),
      ...idChecks('version', 'version', false),
      ['value IS NULL', FACT_REASON.missingValue],
      ['NOT coalesce(isfinite(value_number), false)', FACT_REASON.notFinite('value')],
      ...momentChecks('valid_until', 'valid_until_s', 'end of validity'),
    ]),
  };
}

function checkListEntry(): CheckedFields {
  const truth = `CASE lower(listed) WHEN 'true' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN '0' THEN false END`;
  return {
    derived: { is_listed: `CASE WHEN listed IS NULL THEN true ELSE ${truth} END` },
    values: { customer_id: 'customer_id', list: 'list', is_listed: 'is_listed' },
    reason: firstReason([
      ...idChecks('customer_id', 'customer id', true),
      ...idChecks('list', 'list', true),
      ['is_listed IS NULL', FACT_REASON.notTruth('listed')],
    ]),
  };
}
