/** Weekdays and hours of local time that orders are counted in, as sets of the 168 hours of a week. */
import type { OrderFilter } from '../../model/rule.ts';
import { shareUint32 } from './csr.ts';
import type { OrderIndex } from './plan.ts';
import type { TimeZones } from './time-zones.ts';

/** The clock of orders at any time. */
export const ANY_TIME = -1;
/** 32-bit words of a set of hours. */
export const CLOCK_WORDS = 6;

export class Clocks {
  readonly #zones: TimeZones;
  readonly #numbers = new Map<string, number>();
  readonly #zone: number[] = [];
  readonly #hours: number[] = [];

  constructor(zones: TimeZones) {
    this.#zones = zones;
  }

  /** The number of a filter's clock; undefined where no hour is in it. */
  numberOf({ weekdays, hours, timeZone }: OrderFilter): number | undefined {
    if (weekdays === undefined && hours === undefined) return ANY_TIME;
    const words = new Uint32Array(CLOCK_WORDS);
    let count = 0;
    for (let hourOfWeek = 0; hourOfWeek < 168; hourOfWeek++) {
      if (weekdays && !weekdays.includes(Math.floor(hourOfWeek / 24) + 1)) continue;
      if (hours && !isBetween(hourOfWeek % 24, hours.from, hours.to)) continue;
      words[hourOfWeek >>> 5]! |= 1 << (hourOfWeek & 31);
      count++;
    }
    if (count === 0) return undefined;
    if (count === 168) return ANY_TIME;
    const zone = this.#zones.numberOf(timeZone);
    const key = `${zone}/${words.join()}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#zone.push(zone) - 1;
      this.#hours.push(...words);
      this.#numbers.set(key, number);
    }
    return number;
  }

  build(): Pick<OrderIndex, 'clockZone' | 'clockHours'> {
    return { clockZone: shareUint32(this.#zone), clockHours: shareUint32(this.#hours) };
  }
}

/** From one full hour up to another, through midnight where it is not later. */
function isBetween(hour: number, from: number, to: number): boolean {
  return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}
