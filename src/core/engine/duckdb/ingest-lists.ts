/**
 * Takes staged entries of lists into the facts, after the staged lists that are emptied. Entries are
 * compared with who is on the list by now, and only what differs is written: so a list that is replaced by
 * one that says the same writes nothing. Whom an entry puts on a list is known from then on; whom it only
 * takes off is not.
 */
import { dropErased } from './erased-id.ts';
import { NEXT_NAME_NO } from './name-number.ts';
import type { DuckDbSession } from './session.ts';
import {
  dropStaged,
  type IngestCounts,
  numberCustomers,
  STAGED_EMPTIED_LIST,
  STAGED_LIST_ENTRY,
} from './stage.ts';

const NUMBER_LISTS = `
INSERT INTO list
SELECT ${NEXT_NAME_NO} + row_number() OVER (ORDER BY first, name) - 1, name, $1
FROM (SELECT name, min(first) AS first FROM (
    SELECT list AS name, min(row_no) AS first FROM ${STAGED_LIST_ENTRY} GROUP BY list
    UNION ALL SELECT list, 18446744073709551615 FROM ${STAGED_EMPTIED_LIST}) GROUP BY name)
ANTI JOIN list USING (name)
ORDER BY first, name`;

/** Of somebody who is not known an entry brings nothing: it takes them off a list that they are not on. */
const NUMBER_ENTRIES = `
CREATE OR REPLACE TEMP TABLE numbered_entry AS
SELECT row_no, customer_no, name_no, is_listed
FROM ${STAGED_LIST_ENTRY} JOIN customer USING (customer_id) JOIN list ON list.name = ${STAGED_LIST_ENTRY}.list`;

const FIND_LATEST = `
CREATE OR REPLACE TEMP TABLE latest_entry AS
SELECT customer_no, name_no, arg_max(is_listed, row_no) AS is_listed
FROM numbered_entry GROUP BY customer_no, name_no`;

/** Whether each customer of a list was on it, of the lists and customers that the batch touches. */
const FIND_CHANGED = `
CREATE OR REPLACE TEMP TABLE changed_entry AS
WITH listed AS (
  SELECT customer_no, name_no FROM list_entry
  SEMI JOIN latest_entry USING (customer_no, name_no)
  GROUP BY ALL HAVING arg_max(is_listed, batch_no))
SELECT customer_no, name_no, latest_entry.is_listed
FROM latest_entry LEFT JOIN (SELECT *, true AS was_listed FROM listed) AS before USING (customer_no, name_no)
WHERE latest_entry.is_listed <> coalesce(was_listed, false)`;

const FIND_EMPTIED = `
INSERT INTO changed_entry
SELECT customer_no, name_no, false FROM list_entry
SEMI JOIN (SELECT name_no FROM list JOIN ${STAGED_EMPTIED_LIST} AS emptied ON list.name = emptied.list) AS emptied USING (name_no)
ANTI JOIN latest_entry USING (customer_no, name_no)
GROUP BY ALL HAVING arg_max(is_listed, batch_no)`;

const COUNT = `
SELECT (SELECT count(*) FROM numbered_entry) AS numbered,
  (SELECT count(*) FROM numbered_entry JOIN latest_entry USING (customer_no, name_no)
    WHERE numbered_entry.is_listed = latest_entry.is_listed) AS like_latest,
  (SELECT count(*) FROM changed_entry WHERE is_listed) AS added,
  (SELECT count(*) FROM changed_entry WHERE NOT is_listed) AS taken_off`;

const WRITE = `
INSERT INTO list_entry SELECT customer_no, name_no, is_listed, $1 FROM changed_entry
ORDER BY name_no, customer_no`;

/** What became of entries of lists; `replaced` are those that took somebody off. */
export interface ListCounts extends IngestCounts {
  /** Customers who went off a list because it was emptied. */
  readonly delisted: number;
}

/** Takes the staged entries in as part of a batch, within the caller's transaction. */
export async function ingestLists(
  session: DuckDbSession,
  batchNo: number,
  step: (phase: string) => void = () => {},
): Promise<ListCounts> {
  step('numbering customers and lists');
  const erased = await dropErased(session, [STAGED_LIST_ENTRY]);
  const rows = (await session.row<{ n: number }>(`SELECT count(*) AS n FROM ${STAGED_LIST_ENTRY}`))!.n;
  const newCustomers = await numberCustomers(session, `(FROM ${STAGED_LIST_ENTRY} WHERE is_listed)`, batchNo);
  await session.run(NUMBER_LISTS, [batchNo]);
  await session.run(NUMBER_ENTRIES);
  await dropStaged(session, [STAGED_LIST_ENTRY]);
  step('comparing with who is on the lists');
  await session.run(FIND_LATEST);
  await session.run(FIND_CHANGED);
  const delisted = await session.run(FIND_EMPTIED);
  const counts = await session.row<Record<'numbered' | 'like_latest' | 'added' | 'taken_off', number>>(COUNT);
  const { numbered, like_latest, added, taken_off } = counts!;
  step('writing entries');
  await session.run(WRITE, [batchNo]);
  await dropStaged(session, [STAGED_EMPTIED_LIST, 'numbered_entry', 'latest_entry', 'changed_entry']);
  // Of several rows about one customer and list, the earlier ones say the same as the last or are replaced.
  const replaced = taken_off - delisted + (numbered - like_latest);
  return {
    added,
    replaced,
    unchanged: rows - added - replaced,
    delisted,
    newCustomers,
    ...erased,
  };
}
