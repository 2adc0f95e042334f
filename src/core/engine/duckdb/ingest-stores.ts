/**
 * Takes staged stores into the facts: each row is a whole version of a store; a version equal to the one
 * in force is not written again.
 */
import type { DuckDbSession } from './session.ts';
import { dropStaged, type IngestCounts, STAGED_STORE } from './stage.ts';

const ATTRIBUTES = ['brand', 'city', 'category', 'tags', 'opened_at', 'closed_at'];
const SAME = ATTRIBUTES.map((name) => `later.${name} IS NOT DISTINCT FROM earlier.${name}`).join(' AND ');

const LATEST = `
CREATE OR REPLACE TEMP TABLE latest_store AS
SELECT * FROM ${STAGED_STORE} QUALIFY row_number() OVER (PARTITION BY store_id ORDER BY row_no DESC) = 1`;

const COMPARE = `
CREATE OR REPLACE TEMP TABLE compared_store AS
WITH earlier AS (SELECT * FROM store QUALIFY row_number() OVER (PARTITION BY store_no ORDER BY batch_no DESC) = 1)
SELECT later.*, earlier.store_no AS known_no, earlier.store_no IS NOT NULL AND ${SAME} AS same
FROM latest_store AS later LEFT JOIN earlier USING (store_id)`;

const COUNT = `
SELECT (SELECT count(*) FROM compared_store WHERE known_no IS NULL) AS added,
  (SELECT count(*) FROM compared_store WHERE known_no IS NOT NULL AND NOT same) AS replaced,
  (SELECT count(*) FROM compared_store WHERE same) AS unchanged,
  (SELECT count(*) FROM ${STAGED_STORE} AS earlier JOIN latest_store AS later USING (store_id)
   WHERE earlier.row_no < later.row_no AND ${SAME}) AS overtaken_same,
  (SELECT count(*) FROM ${STAGED_STORE}) - (SELECT count(*) FROM latest_store) AS overtaken`;

const WRITE = `
INSERT INTO store
SELECT coalesce(known_no, (SELECT coalesce(max(store_no), 0) FROM store)
    + row_number() OVER (PARTITION BY known_no IS NULL ORDER BY row_no)),
  store_id, brand, city, category, tags, opened_at, closed_at, $1
FROM compared_store WHERE NOT same ORDER BY row_no`;

/** Takes the staged stores in as part of a batch, within the caller's transaction. */
export async function ingestStores(session: DuckDbSession, batchNo: number): Promise<IngestCounts> {
  await session.run(LATEST);
  await session.run(COMPARE);
  const found =
    await session.row<Record<'added' | 'replaced' | 'unchanged' | 'overtaken' | 'overtaken_same', number>>(
      COUNT,
    );
  await session.run(WRITE, [batchNo]);
  await dropStaged(session, [STAGED_STORE, 'latest_store', 'compared_store']);
  const { added, replaced, unchanged, overtaken, overtaken_same } = found!;
  return {
    added,
    replaced: replaced + overtaken - overtaken_same,
    unchanged: unchanged + overtaken_same,
  };
}
