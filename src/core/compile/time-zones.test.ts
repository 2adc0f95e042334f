import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MOMENT_MAX_S } from '../../model/time.ts';
import { localDate, localTime } from '../evaluate/local-time.ts';
import { TimeZones } from './time-zones.ts';

const NAMES = ['UTC', 'Europe/Madrid', 'Asia/Kolkata', 'Africa/Casablanca', 'America/Recife', 'Pacific/Apia'];

describe('time zones', () => {
  it('are numbered once, UTC first', () => {
    const zones = new TimeZones();
    assert.deepEqual(
      [...NAMES, ...NAMES, undefined].map((name) => zones.numberOf(name)),
      [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0],
    );
  });

  it('know local time at any moment, to the second where clocks change', async () => {
    const zones = new TimeZones();
    const numbers = NAMES.map((name) => zones.numberOf(name));
    const index = await zones.build();
    for (const zone of numbers) {
      const format = new Intl.DateTimeFormat('sv-SE', {
        timeZone: NAMES[zone]!,
        dateStyle: 'short',
        timeStyle: 'medium',
      });
      const edges = [...index.fromS.subarray(index.start[zone], index.start[zone + 1])];
      const random = Array.from({ length: 100 }, (_, i) => (i * 43_046_721) % MOMENT_MAX_S);
      for (const moment of [...edges.flatMap((edge) => [edge - 1, edge]), ...random, MOMENT_MAX_S]) {
        if (moment < 0) continue;
        const local = new Date(localTime(index, zone, moment) * 1000).toISOString();
        assert.equal(
          local.slice(0, 19).replace('T', ' '),
          format.format(moment * 1000),
          `${NAMES[zone]} ${moment}`,
        );
      }
    }
    const kolkata = numbers[2]!;
    assert.equal(index.start[kolkata + 1]! - index.start[kolkata]!, 1, 'a zone that stays has one entry');
  });

  it('have dates that are never below 0, west of Greenwich too', async () => {
    const zones = new TimeZones();
    const recife = zones.numberOf('America/Recife');
    const index = await zones.build();
    assert.deepEqual(
      [0, 3 * 3600 - 1, 3 * 3600].map((moment) => localDate(index, recife, moment)),
      [0, 0, 1],
    );
    assert.equal(localDate(index, 0, 0), 1);
  });
});
