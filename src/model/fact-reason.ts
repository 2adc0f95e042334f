/**
 * Why a row of facts is set aside, in words: the same from files, from HTTP and from wherever else facts
 * come, so that reasons can be counted together.
 */
import { ID_BYTES_MAX } from './fact.ts';

/** Most bytes of a trait's value: more only ever come of a column that holds something else. */
export const TRAIT_BYTES_MAX = 4096;

/** `name` is the field in words: `customer id`, `opening date`, `total`. */
export const FACT_REASON = {
  notObject: 'not a JSON object',
  notUtf8: 'not UTF-8',
  /** Of CSV: other than the header has. */
  columns: 'wrong number of columns',
  missingId: (name: string) => `no ${name}`,
  tooLong: (name: string) => `${name} longer than ${ID_BYTES_MAX} bytes`,
  controlCharacters: (name: string) => `${name} with control characters`,
  /** Text that UTF-8 cannot write: JSON can bring it, a file cannot. */
  halfCharacter: (name: string) => `${name} with half a character`,
  /** An object or a list where text was expected, a truth value as an id, or a number that JSON has rounded. */
  notText: (name: string) => `${name} is not text`,
  missingDate: 'no date',
  /** Of an order: a field that is there and empty says that none is known, and is taken as 0. */
  missingTotal: 'no field total',
  unreadableDate: (name: string) => `unreadable ${name}`,
  dateOutside: (name: string) => `${name} outside 1970 to 2106`,
  notNumber: (name: string) => `${name} is not a number`,
  tooLarge: (name: string) => `${name} of a billion or more`,
  inexact: (name: string) => `${name} with more than 4 places`,
  negativeDiscount: 'negative discount',
  notCurrency: 'currency is not a code',
  unknownStatus: 'unknown status',
  traitTooLong: `a trait longer than ${TRAIT_BYTES_MAX} bytes`,
  propertyTooLong: `a property longer than ${TRAIT_BYTES_MAX} bytes`,
  /** Of an event: a field `properties` that is there and holds something else, also as text. */
  propertiesNotObject: 'properties are not a JSON object',
  /** Of a score. */
  missingValue: 'no value',
  notFinite: (name: string) => `${name} is not a finite number`,
  /** Of a list entry: `listed` is true, false, 1 or 0, in capitals or not. */
  notTruth: (name: string) => `${name} is neither true nor false`,
  /** Where the request names the list already. */
  otherList: 'names another list than the request',
} as const;

/** Characters of a field's name in a warning. */
const NAME_CHARACTERS_MAX = 64;

/** What is worth a look in a row that is taken. */
export const FACT_WARNING = {
  negativeTotal: 'negative total, kept',
  missingTotal: 'no total, taken as 0',
  /** The row is taken for its own customer. */
  unmoved: 'previous_customer_id has no such order, so that nothing was moved',
  unknownField: (name: string) =>
    `field ${JSON.stringify(name.slice(0, NAME_CHARACTERS_MAX))} is not known, and was not read`,
  /** Where names that are not known are too many to be told. */
  furtherFields: 'further fields are not known, and were not read',
} as const;

/** Names of fields that are not known, of one request or file. */
export const UNKNOWN_FIELDS_TOLD_MAX = 10;
