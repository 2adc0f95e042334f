/** Local time by whole numbers, from the transitions of a zone. */
import { CLOCK_WORDS } from '../compile/clocks.ts';
import type { OrderIndex, ZoneIndex } from '../compile/plan.ts';
import { UTC } from '../compile/time-zones.ts';

const DAY_S = 86_400;
const HOUR_S = 3_600;
const WEEK_HOURS = 168;
/** 1970-01-01 was a Thursday, 3 days after a Monday. */
const FIRST_HOUR = 72;

/** Seconds of local time since 1970-01-01 00:00 of local time. */
export function localTime(zones: ZoneIndex, zone: number, moment: number): number {
  if (zone === UTC) return moment;
  const { start, fromS, offsetS } = zones;
  let low = start[zone]!;
  let high = start[zone + 1]! - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (fromS[middle]! <= moment) low = middle;
    else high = middle - 1;
  }
  return moment + offsetS[low]!;
}

/** The local date, as days since 1969-12-31: west of Greenwich time begins on that day. */
export function localDate(zones: ZoneIndex, zone: number, moment: number): number {
  return Math.floor(localTime(zones, zone, moment) / DAY_S) + 1;
}

/** The hour of the local week, 0 to 167 from Monday on. */
export function localHour(zones: ZoneIndex, zone: number, moment: number): number {
  return (Math.floor(localTime(zones, zone, moment) / HOUR_S) + FIRST_HOUR + WEEK_HOURS) % WEEK_HOURS;
}

/** Whether an hour of the local week is one of a clock's. */
export function isOnClock({ clockHours }: OrderIndex, clock: number, hour: number): boolean {
  return ((clockHours[clock * CLOCK_WORDS + (hour >>> 5)]! >>> (hour & 31)) & 1) === 1;
}
