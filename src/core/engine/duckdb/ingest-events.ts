/**
 * Takes staged events into the facts: numbers customers and names not known yet, and writes the events
 * whose id is not known of their customer; of several rows with one id the first is taken. The key holds
 * the customer's number in its upper half, so that a search for repeats reads only what lies near.
 */
import { dropErased } from './erased-id.ts';
import type { DuckDbSession } from './session.ts';
import { dropStaged, type IngestCounts, numberCustomers, STAGED_EVENT } from './stage.ts';

const NUMBER_NAMES = `
INSERT INTO event_name
SELECT (SELECT coalesce(max(name_no) + 1, 0) FROM event_name) + row_number() OVER (ORDER BY first) - 1, name
FROM (SELECT name, min(row_no) AS first FROM ${STAGED_EVENT} GROUP BY name) ANTI JOIN event_name USING (name)
ORDER BY first`;

/** `md5` is the same in every version of DuckDB, and `hash` is not; a collision only costs a look at the ids. */
export const EVENT_KEY = `((customer_no::UBIGINT << 32) | (md5_number_lower(event_id) & 4294967295::UBIGINT))`;

const NUMBER_EVENTS = `
CREATE OR REPLACE TEMP TABLE numbered_event AS
SELECT row_no, customer_no, name_no, occurred_at, ${EVENT_KEY} AS event_key, event_id, properties
FROM ${STAGED_EVENT} JOIN customer USING (customer_id) JOIN event_name USING (name)`;

/** Keys that come twice, or are known: nearly always few. */
const FIND_REPEATED = `
CREATE OR REPLACE TEMP TABLE repeated_event AS
SELECT event_key FROM numbered_event GROUP BY event_key HAVING count(*) > 1`;
const FIND_KNOWN_KEYS = `
CREATE OR REPLACE TEMP TABLE known_event_key AS
SELECT DISTINCT event_key FROM event SEMI JOIN numbered_event USING (event_key)`;

/** Rows that bring nothing: another row of the batch, or an earlier batch, has brought the event. */
const FIND_UNCHANGED = `
CREATE OR REPLACE TEMP TABLE unchanged_event AS
SELECT row_no FROM numbered_event SEMI JOIN repeated_event USING (event_key)
QUALIFY row_number() OVER (PARTITION BY customer_no, event_id ORDER BY row_no) > 1
UNION
SELECT row_no FROM numbered_event
SEMI JOIN (SELECT event_key, event_id FROM event SEMI JOIN known_event_key USING (event_key)) AS known
  USING (event_key, event_id)`;

const COUNT = `
SELECT (SELECT count(*) FROM numbered_event) AS rows, (SELECT count(*) FROM unchanged_event) AS unchanged`;

const WRITE = `
INSERT INTO event
SELECT customer_no, name_no, occurred_at, $1, event_key, event_id, properties
FROM numbered_event ANTI JOIN unchanged_event USING (row_no)
ORDER BY customer_no, name_no, occurred_at`;

/** Takes the staged events in as part of a batch, within the caller's transaction. */
export async function ingestEvents(
  session: DuckDbSession,
  batchNo: number,
  step: (phase: string) => void = () => {},
): Promise<IngestCounts> {
  step('numbering customers and names');
  const erased = await dropErased(session, [STAGED_EVENT]);
  const newCustomers = await numberCustomers(session, STAGED_EVENT, batchNo);
  await session.run(NUMBER_NAMES);
  await session.run(NUMBER_EVENTS);
  await dropStaged(session, [STAGED_EVENT]);
  step('comparing with known events');
  await session.run(FIND_REPEATED);
  await session.run(FIND_KNOWN_KEYS);
  await session.run(FIND_UNCHANGED);
  const { rows, unchanged } = (await session.row<Record<'rows' | 'unchanged', number>>(COUNT))!;
  step('writing events');
  await session.run(WRITE, [batchNo]);
  await dropStaged(session, ['numbered_event', 'repeated_event', 'known_event_key', 'unchanged_event']);
  return { added: rows - unchanged, replaced: 0, unchanged, newCustomers, ...erased };
}
