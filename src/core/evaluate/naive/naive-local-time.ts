/** Local time of a moment in a time zone, as `Intl` says it. */

export interface LocalTime {
  /** 1 (Monday) to 7. */
  readonly weekday: number;
  /** 0 to 23. */
  readonly hour: number;
  /** Such as `2026-03-01`. */
  readonly date: string;
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
/** Moments remembered per zone: one customer's orders are looked at again and again. */
const KNOWN_MAX = 50_000;

class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #known = new Map<number, LocalTime>();

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US-u-ca-iso8601-nu-latn', {
      timeZone,
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      hourCycle: 'h23',
    });
  }

  at(moment: number): LocalTime {
    let local = this.#known.get(moment);
    if (local === undefined) {
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      local = this.#read(moment);
      this.#known.set(moment, local);
    }
    return local;
  }

  #read(moment: number): LocalTime {
    const parts = new Map(this.#format.formatToParts(moment * 1000).map(({ type, value }) => [type, value]));
    return {
      weekday: WEEKDAYS.indexOf(parts.get('weekday')!) + 1,
      hour: Number(parts.get('hour')),
      date: `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`,
    };
  }
}

const zones = new Map<string, Zone>();

/**
 * The local time of a moment.
 *
 * @param moment - Seconds since 1970.
 * @param timeZone - IANA name.
 */
export function localTime(moment: number, timeZone: string): LocalTime {
  let zone = zones.get(timeZone);
  if (zone === undefined) {
    zone = new Zone(timeZone);
    zones.set(timeZone, zone);
  }
  return zone.at(moment);
}
