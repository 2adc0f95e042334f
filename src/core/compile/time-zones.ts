/**
 * Zones that conditions reckon local time in, as tables of transitions, so that threads find an hour or a
 * date by whole numbers alone. `Intl` knows the transitions but does not list them: they are searched for,
 * once a process.
 */
import { MOMENT_MAX_S } from '../../model/time.ts';
import { shareFloat64, shareInt32, shareUint32 } from './csr.ts';
import type { ZoneIndex } from './plan.ts';

export const UTC = 0;
/** No zone has changed its offset twice within less than 6.9 days since 1970 (tz database 2025b). */
const STEP_S = 3 * 86_400;

interface Transition {
  readonly fromS: number;
  readonly offsetS: number;
}

const known = new Map<string, readonly Transition[]>();

/** Numbers the zones that conditions name; 0 is UTC. */
export class TimeZones {
  readonly #numbers = new Map<string, number>([['UTC', UTC]]);

  /** @param name - IANA, known to be valid; absent means UTC. */
  numberOf(name = 'UTC'): number {
    const number = this.#numbers.get(name) ?? this.#numbers.size;
    this.#numbers.set(name, number);
    return number;
  }

  build(): ZoneIndex {
    const zones = [...this.#numbers.keys()].map(transitionsOf);
    const start = [0];
    for (const zone of zones) start.push(start.at(-1)! + zone.length);
    const all = zones.flat();
    return {
      start: shareUint32(start),
      fromS: shareFloat64(all.map(({ fromS }) => fromS)),
      offsetS: shareInt32(all.map(({ offsetS }) => offsetS)),
    };
  }
}

/** Offsets of a zone over all moments that can be stored; the first from 0 on. */
function transitionsOf(name: string): readonly Transition[] {
  const found = known.get(name) ?? (name === 'UTC' ? [{ fromS: 0, offsetS: 0 }] : searchTransitions(name));
  known.set(name, found);
  return found;
}

function searchTransitions(name: string): readonly Transition[] {
  const offsetAt = offsetReader(name);
  let last: Transition = { fromS: 0, offsetS: offsetAt(0) };
  const transitions = [last];
  for (let from = 0; from < MOMENT_MAX_S; from += STEP_S) {
    let before = from;
    let after = Math.min(from + STEP_S, MOMENT_MAX_S);
    const offsetS = offsetAt(after);
    if (offsetS === last.offsetS) continue;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (offsetAt(middle) === offsetS) after = middle;
      else before = middle;
    }
    last = { fromS: after, offsetS };
    transitions.push(last);
  }
  return transitions;
}

/** Moment → how far local time is ahead of UTC, from the local time that `Intl` writes. Seconds. */
function offsetReader(name: string): (moment: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (moment) => {
    const field = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of format.formatToParts(moment * 1000)) {
      if (type in field) field[type as keyof typeof field] = Number(value);
    }
    const { year, month, day, hour, minute, second } = field;
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - moment;
  };
}
