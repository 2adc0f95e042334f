/** The id of an event that came without one: a hash of all that it says. */
import { createHash } from 'node:crypto';
import { type EventIdOf, eventText } from '../../model/event-id.ts';

const ID_DIGITS = 32;

export const eventIdOf: EventIdOf = (event) =>
  createHash('sha256').update(eventText(event)).digest('hex').slice(0, ID_DIGITS);
