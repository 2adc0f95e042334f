/** Ids of customers as requests bring them: 1 to 512 bytes of well-formed UTF-8. */
import { CoterieError } from '../model/error.ts';
import { ID_BYTES_MAX } from '../model/fact.ts';

/** Half of a surrogate pair: text that UTF-8 cannot write. */
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Characters of an id that is refused which are repeated in the message. */
const SHOWN_MAX = 40;

/** @throws {CoterieError} `CUSTOMER_ID_INVALID`, with where it stood in the request. */
export function checkCustomerId(id: string, field: string): void {
  // A UTF-16 unit takes at most 3 bytes, so short ids, which are nearly all, need no counting.
  const tooLong = id.length * 3 > ID_BYTES_MAX && Buffer.byteLength(id) > ID_BYTES_MAX;
  if (id.length > 0 && !tooLong && !LONE_SURROGATE.test(id)) return;
  const found = id.length === 0 ? 'nothing' : tooLong ? `${Buffer.byteLength(id)} bytes` : 'half a character';
  const start = tooLong ? `, which begin with ${JSON.stringify(id.slice(0, SHOWN_MAX))}` : '';
  throw new CoterieError(
    'CUSTOMER_ID_INVALID',
    `${field}: expected a customer id of 1 to ${ID_BYTES_MAX} bytes in UTF-8, found ${found}${start}`,
    { field, expected: `1 to ${ID_BYTES_MAX} bytes`, found },
  );
}
