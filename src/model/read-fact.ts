/**
 * Reads facts from rows of JSON: what each field must be, and the reason why a row is set aside. It takes
 * and refuses what the import of files takes and refuses, with the same reasons; a field that is null or
 * empty is absent, and fields that a source does not have are ignored.
 */
import type { EventIdOf } from './event-id.ts';
import {
  type EventFact,
  ID_BYTES_MAX,
  type ListEntryFact,
  type OrderFact,
  type OrderStatus,
  type ScoreFact,
  type StoreFact,
  type TraitFact,
} from './fact.ts';
import { FACT_REASON, TRAIT_BYTES_MAX } from './fact-reason.ts';
import { MOMENT_MAX_S } from './time.ts';
import { bytesOver, compareBytes } from './utf8.ts';

/** A customer as a row names it: known from then on, traits or none. */
export interface CustomerRow {
  readonly customerId: string;
  readonly traits: readonly TraitFact[];
}

/** What a row says, or why it is set aside. */
export type Reading<T> = { readonly fact: T } | { readonly reason: string };

type Row = Readonly<Record<string, unknown>>;

/** A row's first reason ends its reading. */
class Refusal {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/**
 * `{customer_id, order_id, ordered_at, total, store_id?, discount?, currency?, status?, previous_customer_id?}`; a total
 * that is null is 0.
 */
export function readOrder(row: unknown): Reading<OrderFact> {
  return reading(row, (fields) => {
    const customerId = neededId(fields, 'customer_id', 'customer id');
    const orderId = neededId(fields, 'order_id', 'order id');
    const storeId = idOf(fields, 'store_id', 'store id');
    const orderedAt = momentOf(fields, 'ordered_at', 'date');
    if (orderedAt === undefined) throw new Refusal(FACT_REASON.missingDate);
    if (fields.total === undefined) throw new Refusal(FACT_REASON.missingTotal);
    const totalE4 = amountOf(fields, 'total');
    const discountE4 = amountOf(fields, 'discount');
    if (discountE4 < 0) throw new Refusal(FACT_REASON.negativeDiscount);
    const previousCustomerId = idOf(fields, 'previous_customer_id', 'previous customer id');
    return {
      customerId,
      orderId,
      ...(storeId === undefined ? {} : { storeId }),
      orderedAt,
      totalE4,
      discountE4,
      currency: currencyOf(fields),
      status: statusOf(fields),
      ...(previousCustomerId === undefined || previousCustomerId === customerId
        ? {}
        : { previousCustomerId }),
    };
  });
}

/** `{customer_id, …}`: every other field is a trait, and so is each field of an object called `traits`. */
export function readCustomer(row: unknown): Reading<CustomerRow> {
  return reading(row, (fields) => {
    const customerId = neededId(fields, 'customer_id', 'customer id');
    const traits: TraitFact[] = [];
    const take = (name: string, value: unknown) => {
      const text = traitText(value);
      if (text === undefined || name === '') return;
      if (bytesOver(text, TRAIT_BYTES_MAX) || bytesOver(name, ID_BYTES_MAX)) {
        throw new Refusal(FACT_REASON.traitTooLong);
      }
      if (LONE_SURROGATE.test(text) || LONE_SURROGATE.test(name)) {
        throw new Refusal(FACT_REASON.halfCharacter('a trait'));
      }
      traits.push({ customerId, name, value: text });
    };
    for (const [name, value] of Object.entries(fields)) {
      if (name === 'customer_id') continue;
      if (name === 'traits' && isObject(value)) for (const [n, v] of Object.entries(value)) take(n, v);
      else take(name, value);
    }
    return { customerId, traits };
  });
}

/** `{store_id, brand?, city?, category?, tags?, opened_at?, closed_at?}`; tags are a list, or text with semicolons. */
export function readStore(row: unknown): Reading<StoreFact> {
  return reading(row, (fields) => {
    const storeId = neededId(fields, 'store_id', 'store id');
    const brand = attributeOf(fields, 'brand');
    const city = attributeOf(fields, 'city');
    const category = attributeOf(fields, 'category');
    const tags = tagsOf(fields);
    const openedAt = momentOf(fields, 'opened_at', 'opening date');
    const closedAt = momentOf(fields, 'closed_at', 'closing date');
    return {
      storeId,
      ...(brand === undefined ? {} : { brand }),
      ...(city === undefined ? {} : { city }),
      ...(category === undefined ? {} : { category }),
      ...(tags === undefined ? {} : { tags }),
      ...(openedAt === undefined ? {} : { openedAt }),
      ...(closedAt === undefined ? {} : { closedAt }),
    };
  });
}

/**
 * `{customer_id, name, occurred_at, event_id?, properties?, …}`: every other field is a property, and so is
 * each field of the object `properties`, which wins over one beside it and may come as JSON text.
 *
 * @param eventIdOf - Gives an id to an event that comes without one.
 */
export function readEvent(row: unknown, eventIdOf: EventIdOf): Reading<EventFact> {
  return reading(row, (fields) => {
    const customerId = neededId(fields, 'customer_id', 'customer id');
    const eventId = idOf(fields, 'event_id', 'event id');
    const name = neededId(fields, 'name', 'event name');
    const occurredAt = momentOf(fields, 'occurred_at', 'date');
    if (occurredAt === undefined) throw new Refusal(FACT_REASON.missingDate);
    const properties = propertiesOf(fields);
    return {
      customerId,
      eventId: eventId ?? eventIdOf({ customerId, name, occurredAt, properties }),
      name,
      occurredAt,
      properties,
    };
  });
}

/** `{customer_id, model, value, version?, valid_until?}`; the value is a finite number, also as text. */
export function readScore(row: unknown): Reading<ScoreFact> {
  return reading(row, (fields) => {
    const customerId = neededId(fields, 'customer_id', 'customer id');
    const model = neededId(fields, 'model', 'model');
    const version = idOf(fields, 'version', 'version') ?? '';
    const value = finiteOf(fields, 'value');
    const validUntil = momentOf(fields, 'valid_until', 'end of validity');
    return { customerId, model, value, version, ...(validUntil === undefined ? {} : { validUntil }) };
  });
}

/** `{customer_id, list, listed?}`: on the list from now on, unless `listed` says false. */
export function readListEntry(row: unknown): Reading<ListEntryFact> {
  return reading(row, (fields) => {
    const customerId = neededId(fields, 'customer_id', 'customer id');
    const list = neededId(fields, 'list', 'list');
    return { customerId, list, isListed: truthOf(fields, 'listed') ?? true };
  });
}

function reading<T>(row: unknown, read: (fields: Row) => T): Reading<T> {
  if (!isObject(row)) return { reason: FACT_REASON.notObject };
  try {
    return { fact: read(row) };
  } catch (refusal) {
    if (refusal instanceof Refusal) return { reason: refusal.reason };
    throw refusal;
  }
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text of a field as it stands; undefined where it is absent, null or empty. */
function textOf(fields: Row, field: string, name: string): string | undefined {
  const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
  switch (typeof value) {
    case 'string':
      return value === '' ? undefined : value;
    case 'number':
      // JSON has rounded a larger one already, so that two ids would become one.
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) break;
      return String(value);
    case 'boolean':
      return String(value);
    case 'undefined':
      return undefined;
    default:
      if (value === null) return undefined;
  }
  throw new Refusal(FACT_REASON.notText(name));
}

/** The file import trims blanks too, and only those. */
function trimmed(fields: Row, field: string, name: string): string | undefined {
  const text = textOf(fields, field, name)?.replace(/^ +| +$/g, '');
  return text === '' ? undefined : text;
}

/** Half of a surrogate pair. */
const LONE_SURROGATE = /\p{Surrogate}/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROL = /[\x00-\x1f\x7f]/;

function idOf(fields: Row, field: string, name: string): string | undefined {
  const text = textOf(fields, field, name);
  if (text === undefined) return undefined;
  if (typeof fields[field] === 'boolean') throw new Refusal(FACT_REASON.notText(name));
  if (bytesOver(text, ID_BYTES_MAX)) throw new Refusal(FACT_REASON.tooLong(name));
  if (CONTROL.test(text)) throw new Refusal(FACT_REASON.controlCharacters(name));
  if (LONE_SURROGATE.test(text)) throw new Refusal(FACT_REASON.halfCharacter(name));
  return text;
}

function neededId(fields: Row, field: string, name: string): string {
  const id = idOf(fields, field, name);
  if (id === undefined) throw new Refusal(FACT_REASON.missingId(name));
  return id;
}

function attributeOf(fields: Row, field: string): string | undefined {
  const text = trimmed(fields, field, field);
  if (text === undefined) return undefined;
  if (bytesOver(text, ID_BYTES_MAX)) throw new Refusal(FACT_REASON.tooLong(field));
  if (LONE_SURROGATE.test(text)) throw new Refusal(FACT_REASON.halfCharacter(field));
  return text;
}

function tagsOf(fields: Row): readonly string[] | undefined {
  const value = Object.hasOwn(fields, 'tags') ? fields.tags : undefined;
  if (Array.isArray(value) && value.some((tag) => typeof tag !== 'string' || tag.includes(';'))) {
    throw new Refusal(FACT_REASON.notText('a tag'));
  }
  const text = attributeOf(Array.isArray(value) ? { tags: value.join(';') } : fields, 'tags');
  if (text === undefined) return undefined;
  const tags = text.split(';').map((tag) => tag.replace(/^ +| +$/g, ''));
  // By their bytes, as the engine sorts, so that the same tags in another order are the same store.
  return [...new Set(tags.filter((tag) => tag !== ''))].sort(compareBytes);
}

const MOMENT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|([+-])([01]\d)(?::?([0-5]\d))?)?)?$/;

/** Whole seconds since 1970, a fraction cut off; a time without an offset is UTC. */
function momentOf(fields: Row, field: string, name: string): number | undefined {
  const text = trimmed(fields, field, name);
  if (text === undefined) return undefined;
  const match = MOMENT.exec(text);
  if (match === null) throw new Refusal(FACT_REASON.unreadableDate(name));
  const [, year, month, day, hour = '0', minute = '0', second = '0', sign, hours = '0', minutes = '0'] =
    match;
  const days = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const isDay = new Date(days).getUTCMonth() === Number(month) - 1 && Number(day) > 0;
  const isTime =
    Number(hour) < 24
      ? Number(minute) < 60 && Number(second) < 60
      : /[T ]24:00(?::00(?:\.0+)?)?(?!:|\.)/.test(text);
  if (!isDay || !isTime) {
    throw new Refusal(FACT_REASON.unreadableDate(name));
  }
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 * (sign === '-' ? -1 : 1);
  const seconds = days / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset;
  if (seconds < 0 || seconds > MOMENT_MAX_S) throw new Refusal(FACT_REASON.dateOutside(name));
  return seconds;
}

const AMOUNT = /^(-?)(\d{1,9})(?:\.(\d{1,4})0*)?$/;

/** Ten-thousandths; 0 where there is none. */
function amountOf(fields: Row, field: 'total' | 'discount'): number {
  const text = amountText(fields, field);
  if (text === undefined) return 0;
  const match = AMOUNT.exec(text);
  if (match === null) {
    if (!/^-?\d+(?:\.\d+)?$/.test(text)) throw new Refusal(FACT_REASON.notNumber(field));
    throw new Refusal(/^-?0*\d{10}/.test(text) ? FACT_REASON.tooLarge(field) : FACT_REASON.inexact(field));
  }
  const e4 = Number(match[2]) * 10_000 + Number((match[3] ?? '').padEnd(4, '0'));
  return match[1] === '-' && e4 !== 0 ? -e4 : e4;
}

function amountText(fields: Row, field: string): string | undefined {
  const value = fields[field];
  // The shortest text of a number is what was written, for every amount that is allowed.
  if (typeof value === 'number') return String(value);
  return trimmed(fields, field, field);
}

function currencyOf(fields: Row): string {
  const text = trimmed(fields, 'currency', 'currency');
  if (text === undefined) return '';
  if (!/^[A-Za-z][A-Za-z0-9]{2,9}$/.test(text)) throw new Refusal(FACT_REASON.notCurrency);
  return text.toUpperCase();
}

const STATUSES: Readonly<Record<string, OrderStatus>> = {
  completed: 'completed',
  cancelled: 'cancelled',
  canceled: 'cancelled',
  refunded: 'refunded',
};

function statusOf(fields: Row): OrderStatus {
  const text = trimmed(fields, 'status', 'status')?.toLowerCase() ?? 'completed';
  const status = Object.hasOwn(STATUSES, text) ? STATUSES[text] : undefined;
  if (status === undefined) throw new Refusal(FACT_REASON.unknownStatus);
  return status;
}

/** As text: a list or an object is its JSON, as in the import of files. */
function traitText(value: unknown): string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

const EVENT_FIELDS: readonly string[] = ['customer_id', 'event_id', 'name', 'occurred_at', 'properties'];

/** By name, ascending by its bytes, so that an event has one form. */
function propertiesOf(fields: Row): Readonly<Record<string, string>> {
  const found = new Map<string, string>();
  const take = (name: string, value: unknown) => {
    const text = traitText(value);
    if (text === undefined || name === '') return;
    if (bytesOver(text, TRAIT_BYTES_MAX) || bytesOver(name, ID_BYTES_MAX)) {
      throw new Refusal(FACT_REASON.propertyTooLong);
    }
    if (LONE_SURROGATE.test(text) || LONE_SURROGATE.test(name)) {
      throw new Refusal(FACT_REASON.halfCharacter('a property'));
    }
    found.set(name, text);
  };
  for (const [name, value] of Object.entries(fields)) if (!EVENT_FIELDS.includes(name)) take(name, value);
  for (const [name, value] of Object.entries(propertyObject(fields))) take(name, value);
  // A name such as __proto__ is a property like any other.
  return Object.fromEntries([...found].sort(([a], [b]) => compareBytes(a, b)));
}

function propertyObject(fields: Row): Row {
  let value = Object.hasOwn(fields, 'properties') ? fields.properties : undefined;
  if (value === undefined || value === null || value === '') return {};
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value);
    } catch {
      throw new Refusal(FACT_REASON.propertiesNotObject);
    }
  }
  if (!isObject(value)) throw new Refusal(FACT_REASON.propertiesNotObject);
  return value;
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function finiteOf(fields: Row, field: string): number {
  const text = valueText(fields, field);
  if (text === undefined) throw new Refusal(FACT_REASON.missingValue);
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw new Refusal(FACT_REASON.notFinite(field));
  // No negative zero.
  return value + 0;
}

/** Trimmed text of a field that holds no id: what is no text at all is judged by its JSON. */
function valueText(fields: Row, field: string): string | undefined {
  const text = traitText(Object.hasOwn(fields, field) ? fields[field] : undefined)?.replace(/^ +| +$/g, '');
  return text === '' ? undefined : text;
}

const TRUTHS: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false };

function truthOf(fields: Row, field: string): boolean | undefined {
  const text = valueText(fields, field)?.toLowerCase();
  if (text === undefined) return undefined;
  if (!Object.hasOwn(TRUTHS, text)) throw new Refusal(FACT_REASON.notTruth(field));
  return TRUTHS[text];
}
