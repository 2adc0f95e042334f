/** Names of time zones: one spelling for each zone, and near misses for a name that is none. */
import { editDistance } from '../problem.ts';

/** Written name → name of the zone. Zones are few and their look-up slow. */
const known = new Map<string, string>();

/**
 * The zone's name in the spelling of the platform, so that equal zones are equal text; `UTC` for all names
 * of it; undefined if there is no such zone.
 */
export function canonicalTimeZone(written: string): string | undefined {
  const found = known.get(written);
  if (found !== undefined) return found;
  // Offsets such as +01:00 are no zones, though some platforms take them.
  if (!/^[A-Za-z]/.test(written)) return undefined;
  try {
    const zone = new Intl.DateTimeFormat('en', { timeZone: written }).resolvedOptions().timeZone;
    if (known.size < 1_000) known.set(written, zone);
    return zone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const CLOSE_MAX = 3;

/** Names of zones that may have been meant, the best first: `Madrid` and `Europe/Madird` give Europe/Madrid. */
export function closeTimeZones(written: string): readonly string[] {
  if (written.length > 40) return [];
  const wanted = written.trim().toLowerCase().replaceAll(' ', '_');
  const city = wanted.slice(wanted.lastIndexOf('/') + 1);
  const ranked: { readonly zone: string; readonly by: number }[] = [];
  for (const zone of Intl.supportedValuesOf('timeZone')) {
    const name = zone.toLowerCase();
    const itsCity = name.slice(name.lastIndexOf('/') + 1);
    const ofCity = editDistance(city, itsCity) + (wanted.includes('/') ? 1 : 0);
    const by = Math.min(editDistance(wanted, name), ofCity);
    if (by <= Math.max(1, Math.floor(city.length / 4))) ranked.push({ zone, by });
  }
  return ranked
    .sort((a, b) => a.by - b.by || (a.zone < b.zone ? -1 : 1))
    .slice(0, CLOSE_MAX)
    .map(({ zone }) => zone);
}
