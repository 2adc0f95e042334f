/** The few words that random facts and random rules share, so that they meet. */
import { AMOUNT_MAX_E4 } from '../../../src/model/amount.ts';

const DAY_S = 86_400;

/** Around which all orders and moments lie. */
export const CENTRE_S = 1_500_000_000;
/** From one second to beyond 1970, reckoned from the centre. */
export const WINDOWS_S = [1, 60, 3_600, DAY_S, 7 * DAY_S, 30 * DAY_S, 365 * DAY_S, 36_525 * DAY_S] as const;
/** Of sequences mostly: short, so that nothing else comes in between. */
export const SEQUENCE_WINDOWS_S = [1, 60, 3_600, DAY_S, 7 * DAY_S] as const;
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
  // Around the centre, 2017-07-14T02:40:00Z, at both ends of what can be stored, and what is no date.
  signed_up: [
    '2017-07-14T02:40:00Z',
    '2017-07-14 02:40',
    '2017-07-14T04:40:01+02:00',
    '2017-07-13T21:09:59-05:30',
    '2017-07-14',
    '2017-06-14T02:40:00Z',
    '2017-08-13T02:40:00Z',
    '2016-02-29',
    '2017-02-29',
    '2017-04-31',
    '1970-01-01',
    '1970-01-01T00:00:00+00:01',
    '1969-12-31T23:00:00-01:00',
    '2106-02-07T06:28:15Z',
    '2106-02-07T06:28:16Z',
    '2017-7-4',
    '2017-07-14T24:00:00Z',
    '0000-01-01',
    '2017-07-14T02:40:00.5Z',
  ],
};
/** Event → its properties → values: texts, numbers, truth values, and an empty one. */
export const EVENTS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  checkout: { city: ['BCN', 'MAD', ''], amount: ['5', '5.0', '10', '-3.5', '1e3', 'true'] },
  "o'clock": { 'a/b~"c': ['5', 'x', "it's"], city: ['BCN', 'true'] },
  visit: {},
};
/** Model → its versions. */
export const MODELS: Readonly<Record<string, readonly string[]>> = {
  churn: ['2017-06', '2017-07', ''],
  "life'time": ['1'],
};
export const SCORES = [-1.5, 0, 0.1, 0.30000000000000004, 0.7, 1e300] as const;
export const LISTS = ['do-not-contact', "v'ip"] as const;
/** Zones whose offset is not whole, or whose clocks change, in summer and in winter of either half. */
export const TIME_ZONES = [
  'Europe/Madrid',
  'America/Sao_Paulo',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'America/St_Johns',
] as const;
/** When clocks changed in these zones in the year before the centre. */
export const CLOCK_CHANGES_S = [
  1_490_490_000, // Europe/Madrid forward, 2017-03-26T01:00:00Z
  1_477_789_200, // Europe/Madrid back, 2016-10-30T01:00:00Z
  1_487_469_600, // America/Sao_Paulo back, 2017-02-19T02:00:00Z
  1_476_586_800, // America/Sao_Paulo forward, 2016-10-16T03:00:00Z
  1_491_058_800, // Australia/Lord_Howe back by half an hour, 2017-04-01T15:00:00Z
] as const;
