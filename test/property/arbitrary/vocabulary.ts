/** The few words that random facts and random rules share, so that they meet. */
import { AMOUNT_MAX_E4 } from '../../../src/model/amount.ts';

const DAY_S = 86_400;

/** Around which all orders and moments lie. */
export const CENTRE_S = 1_500_000_000;
/** From one second to beyond 1970, reckoned from the centre. */
export const WINDOWS_S = [1, 60, 3_600, DAY_S, 7 * DAY_S, 30 * DAY_S, 365 * DAY_S, 36_525 * DAY_S] as const;
export const STORE_IDS = ['s1', 's2', 's3', 's4', 's5', 's6', "st'ore", 'магазин'] as const;
export const ATTRIBUTES = {
  brand: ['burger-house', "o'hara", 'sushi'],
  city: ['BCN', 'MAD'],
  category: ['food', 'grocery'],
  tag: ['new', 'late', 'vip'],
} as const;
export const CURRENCIES = ['EUR', 'USD', ''] as const;
/** Totals and bounds, in ten-thousandths: both signs, both ends of the range, and one apart. */
export const AMOUNTS_E4 = [
  0,
  1,
  -1,
  99_999,
  100_000,
  100_001,
  200_000,
  -50_000,
  AMOUNT_MAX_E4,
  AMOUNT_MAX_E4 - 1,
  -AMOUNT_MAX_E4,
] as const;
/** Trait → values: words, numbers, and what only looks like a number. */
export const TRAITS: Readonly<Record<string, readonly string[]>> = {
  city: ['BCN', 'MAD', 'bcn'],
  age: [
    '10',
    '10.0',
    '010',
    '-3.5',
    '0',
    '-0',
    '1e3',
    ' 10',
    '0x1F',
    '999999999999999.5',
    '1234567890123456',
    'true',
    '10.0001',
  ],
};
