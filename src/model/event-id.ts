/**
 * What the id of an event that came without one is made of: all that it says, so that the same event sent
 * again is known. The file import makes the same id in SQL.
 */
import { compareBytes, utf8Length } from './utf8.ts';

/** An event whose id is not known yet. */
export interface NamelessEvent {
  readonly customerId: string;
  readonly name: string;
  /** Whole seconds since 1970. */
  readonly occurredAt: number;
  readonly properties: Readonly<Record<string, string>>;
}

/** Gives an event its id: the first 32 hexadecimal digits of the SHA-256 of its {@link eventText} in UTF-8. */
export type EventIdOf = (event: NamelessEvent) => string;

/**
 * All that an event says as one text, different for different events: the customer's id, the event's name, its
 * moment, then name and value of each property, ascending by the bytes of its name; each of these as its
 * number of bytes, a colon, itself and a comma. So `c1`, `view`, 0 and `{"page":"é"}` make
 * `2:c1,4:view,1:0,4:page,2:é,`. In SQL each part is `strlen(x)::VARCHAR || ':' || x || ','`.
 */
export function eventText({ customerId, name, occurredAt, properties }: NamelessEvent): string {
  const parts = [customerId, name, String(occurredAt)];
  for (const property of Object.keys(properties).sort(compareBytes)) {
    parts.push(property, properties[property]!);
  }
  return parts.map((part) => `${utf8Length(part)}:${part},`).join('');
}
