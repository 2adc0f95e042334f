/**
 * Amounts of money: decimals exact to 4 places, held as whole ten-thousandths (`E4`) in a float64, which
 * is exact to 2^53. Facts are bounded so that a customer's sum stays inside that range.
 */
import { CoterieError } from './error.ts';

const AMOUNT = /^(-?)(\d{1,9})(?:\.(\d{1,4}))?$/;

/** The largest amount of a fact or a threshold: 10^9 − 0.0001 either way. */
export const AMOUNT_MAX_E4 = 9_999_999_999_999;

/**
 * Reads a decimal number or text as ten-thousandths.
 *
 * @throws {CoterieError} `AMOUNT_INVALID` if it has more than 4 places or 9 digits before the point.
 */
export function parseAmountE4(value: number | string): number {
  const text = typeof value === 'number' ? plainDecimal(value) : value.trim();
  const match = AMOUNT.exec(text);
  if (!match) {
    throw new CoterieError(
      'AMOUNT_INVALID',
      `"${value}" is not an amount: expected a decimal with at most 9 digits before the point and 4 after it`,
      {
        expected: 'a decimal with at most 4 places',
        found: String(value),
      },
    );
  }
  const units = Number(match[2]) * 10_000 + Number((match[3] ?? '').padEnd(4, '0'));
  return match[1] === '-' && units !== 0 ? -units : units;
}

/** Writes ten-thousandths as the shortest decimal: 199500 → `19.95`. */
export function formatAmountE4(amountE4: number): string {
  const sign = amountE4 < 0 ? '-' : '';
  const digits = String(Math.abs(amountE4)).padStart(5, '0');
  const fraction = digits.slice(-4).replace(/0+$/, '');
  return `${sign}${digits.slice(0, -4)}${fraction === '' ? '' : `.${fraction}`}`;
}

function plainDecimal(value: number): string {
  const text = String(value);
  return text.includes('e') && Math.abs(value) < 1 ? value.toFixed(7).replace(/0+$/, '') : text;
}
