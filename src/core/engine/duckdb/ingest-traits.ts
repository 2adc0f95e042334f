/**
 * Takes staged customers and traits into the facts: numbers names and values not known yet, keeps the
 * last of several values of one trait, and writes only those that differ from the value in force.
 */
import { dropErased } from './erased-id.ts';
import { NEXT_NAME_NO } from './name-number.ts';
import type { DuckDbSession } from './session.ts';
import { dropStaged, type IngestCounts, numberCustomers, STAGED_CUSTOMER, STAGED_TRAIT } from './stage.ts';
import { valueMoment, valueNumber } from './value-sql.ts';

const NUMBER_NAMES = `
INSERT INTO trait_name
SELECT ${NEXT_NAME_NO} + row_number() OVER (ORDER BY first) - 1, name
FROM (SELECT name, min(row_no) AS first FROM ${STAGED_TRAIT} GROUP BY name) ANTI JOIN trait_name USING (name)
ORDER BY first, name`;

const NUMBER_VALUES = `
INSERT INTO trait_value
SELECT name_no,
  coalesce((SELECT max(value_no) + 1 FROM trait_value AS known WHERE known.name_no = fresh.name_no), 0)
    + row_number() OVER (PARTITION BY name_no ORDER BY first) - 1,
  value,
  ${valueNumber('value')},
  ${valueMoment('value')}
FROM (SELECT name_no, value, min(row_no) AS first FROM ${STAGED_TRAIT} JOIN trait_name USING (name) GROUP BY ALL) AS fresh
ANTI JOIN trait_value USING (name_no, value)
ORDER BY name_no, first`;

const LATEST = `
CREATE OR REPLACE TEMP TABLE latest_trait AS
SELECT customer_no, name_no, arg_max(value_no, row_no) AS value_no, max(row_no) AS row_no
FROM ${STAGED_TRAIT} JOIN customer USING (customer_id) JOIN trait_name USING (name)
JOIN trait_value USING (name_no, value)
GROUP BY customer_no, name_no`;

const COMPARE = `
CREATE OR REPLACE TEMP TABLE changed_trait AS
WITH earlier AS (
  SELECT customer_no, name_no, arg_max(value_no, batch_no) AS value_no
  FROM trait SEMI JOIN latest_trait USING (customer_no, name_no) GROUP BY ALL)
SELECT later.* FROM latest_trait AS later ANTI JOIN earlier USING (customer_no, name_no, value_no)`;

/** A row of a customers file is a customer: new or without a trait until now, changed in some, or as known. */
const COUNT = `
WITH changed AS (SELECT DISTINCT customer_no FROM changed_trait),
had AS (SELECT DISTINCT customer_no FROM trait SEMI JOIN changed USING (customer_no)),
latest AS (SELECT customer_id, max(row_no) AS row_no FROM ${STAGED_CUSTOMER} GROUP BY ALL)
SELECT count(*) FILTER (customer.batch_no = $1 OR (changed.customer_no IS NOT NULL AND had.customer_no IS NULL)) AS added,
  count(*) FILTER (customer.batch_no < $1 AND had.customer_no IS NOT NULL) AS replaced,
  count(*) FILTER (customer.batch_no < $1 AND changed.customer_no IS NULL) AS unchanged,
  (SELECT count(*) FROM ${STAGED_CUSTOMER}) - count(*) AS overtaken
FROM latest JOIN customer USING (customer_id) LEFT JOIN changed USING (customer_no)
LEFT JOIN had USING (customer_no)`;

const WRITE = `
INSERT INTO trait SELECT customer_no, name_no, value_no, $1 FROM changed_trait ORDER BY customer_no, name_no`;

/**
 * Takes the staged customers and their traits in as part of a batch, within the caller's transaction.
 * Every customer with a trait must be among the staged customers.
 */
export async function ingestTraits(
  session: DuckDbSession,
  batchNo: number,
  step: (phase: string) => void = () => {},
): Promise<IngestCounts> {
  step('numbering customers and values');
  const erased = await dropErased(session, [STAGED_CUSTOMER, STAGED_TRAIT]);
  const newCustomers = await numberCustomers(session, STAGED_CUSTOMER, batchNo);
  await session.run(NUMBER_NAMES);
  await session.run(NUMBER_VALUES);
  step('comparing with known traits');
  await session.run(LATEST);
  await session.run(COMPARE);
  const found = await session.row<Record<'added' | 'replaced' | 'unchanged' | 'overtaken', number>>(COUNT, [
    batchNo,
  ]);
  step('writing traits');
  await session.run(WRITE, [batchNo]);
  await dropStaged(session, [STAGED_CUSTOMER, STAGED_TRAIT, 'latest_trait', 'changed_trait']);
  const { added, replaced, unchanged, overtaken } = found!;
  // An earlier row about the same customer was taken over by a later one, trait by trait.
  return {
    added,
    replaced: replaced + overtaken,
    unchanged,
    newCustomers,
    ...erased,
  };
}
