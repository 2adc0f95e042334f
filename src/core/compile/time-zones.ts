/**
 * Zones that conditions reckon local time in, as tables of transitions, so that threads find an hour or a
 * date by whole numbers alone. `Intl` knows the transitions but does not list them: they are searched for,
 * once a process.
 */
import assert from 'node:assert/strict';
import { MOMENT_MAX_S } from '../../model/time.ts';
import { Turns } from '../turns.ts';
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

  async build(): Promise<ZoneIndex> {
    const zones: (readonly Transition[])[] = [];
    for (const name of this.#numbers.keys()) zones.push(await transitionsOf(name));
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
async function transitionsOf(name: string): Promise<readonly Transition[]> {
  const found =
    known.get(name) ?? (name === 'UTC' ? [{ fromS: 0, offsetS: 0 }] : await searchTransitions(name));
  known.set(name, found);
  return found;
}

/** In turns: a zone takes tens of milliseconds. */
async function searchTransitions(name: string): Promise<readonly Transition[]> {
  const turns = new Turns();
  const offsetAt = offsetReader(name);
  let last: Transition = { fromS: 0, offsetS: offsetAt(0) };
  const transitions = [last];
  for (let from = 0; from < MOMENT_MAX_S; from += STEP_S) {
    if (turns.isOver()) await turns.next();
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
  // Swedish is written as ISO 8601 is, so that nothing need be taken apart.
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: name,
    calendar: 'gregory',
    numberingSystem: 'latn',
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return (moment) => {
    const text = format.format(moment * 1000);
    const localMs = Date.parse(`${text.replace(' ', 'T')}Z`);
    assert.ok(Number.isFinite(localMs), `local time is written as 2026-01-31 09:30:00, found ${text}`);
    return localMs / 1000 - moment;
  };
}
