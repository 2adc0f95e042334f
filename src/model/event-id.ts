/**
 * The id of an event that came without one: a hash of all that it says, so that the same event sent again
 * is known. The file import computes the same in SQL.
 */
import { createHash } from 'node:crypto';
import { compareBytes } from './utf8.ts';

/**
 * The first 32 hexadecimal digits of the SHA-256 of a text in UTF-8: the customer's id, the event's name, its
 * moment in whole seconds since 1970, then name and value of each property, ascending by the bytes of its
 * name; each of these as its number of bytes, a colon, itself and a comma. So `c1`, `view`, 0 and
 * `{"page":"é"}` make `2:c1,4:view,1:0,4:page,2:é,`. In SQL: `substr(sha256(…), 1, 32)` over the same text,
 * with `strlen(x)::VARCHAR || ':' || x || ','` for each part.
 */
export function eventIdOf(event: {
  readonly customerId: string;
  readonly name: string;
  readonly occurredAt: number;
  readonly properties: Readonly<Record<string, string>>;
}): string {
  const hash = createHash('sha256');
  const add = (text: string) => {
    hash.update(`${Buffer.byteLength(text)}:${text},`);
  };
  add(event.customerId);
  add(event.name);
  add(String(event.occurredAt));
  for (const name of Object.keys(event.properties).sort(compareBytes)) {
    add(name);
    add(event.properties[name]!);
  }
  return hash.digest('hex').slice(0, 32);
}
