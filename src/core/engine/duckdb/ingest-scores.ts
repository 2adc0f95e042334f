/**
 * Takes staged scores into the facts: numbers customers and versions of models not known yet, keeps the
 * last of several scores of one customer and version, and writes only those that differ from the one
 * known. A model's first version is put in force with them.
 */
import { dropErased } from './erased-id.ts';
import { activateVersions } from './models.ts';
import { NEXT_NAME_NO } from './name-number.ts';
import type { DuckDbSession } from './session.ts';
import { dropStaged, type IngestCounts, numberCustomers, STAGED_SCORE } from './stage.ts';

const NUMBER_VERSIONS = `
INSERT INTO model_version
SELECT ${NEXT_NAME_NO} + row_number() OVER (ORDER BY first) - 1, model, version, $1
FROM (SELECT model, version, min(row_no) AS first FROM ${STAGED_SCORE} GROUP BY ALL)
ANTI JOIN model_version USING (model, version)
ORDER BY first`;

/** Numbers ascend in the order in which versions arrived. */
const ACTIVATE_FIRST = `
INSERT INTO model_activation
SELECT model, min(name_no), $1 FROM model_version ANTI JOIN model_activation USING (model)
GROUP BY model ORDER BY model`;

const NUMBER_SCORES = `
CREATE OR REPLACE TEMP TABLE numbered_score AS
SELECT row_no, customer_no, name_no, value, valid_until
FROM ${STAGED_SCORE} JOIN customer USING (customer_id) JOIN model_version USING (model, version)`;

const LAST_VERSIONS = `
SELECT model, arg_max(name_no, row_no) AS name_no FROM numbered_score JOIN model_version USING (name_no)
GROUP BY model`;

const FIND_LATEST = `
CREATE OR REPLACE TEMP TABLE latest_score AS
SELECT * FROM numbered_score
SEMI JOIN (SELECT max(row_no) AS row_no FROM numbered_score GROUP BY customer_no, name_no) AS last USING (row_no)`;

const SAME = 'later.value = earlier.value AND later.valid_until IS NOT DISTINCT FROM earlier.valid_until';

const COMPARE = `
CREATE OR REPLACE TEMP TABLE compared_score AS
WITH earlier AS (
  SELECT customer_no, name_no, arg_max({'value': value, 'valid_until': valid_until}, batch_no) AS said
  FROM score SEMI JOIN latest_score USING (customer_no, name_no) GROUP BY ALL)
SELECT later.*, said IS NOT NULL AS known,
  coalesce(later.value = said.value AND later.valid_until IS NOT DISTINCT FROM said.valid_until, false) AS same
FROM latest_score AS later LEFT JOIN earlier USING (customer_no, name_no)`;

const COUNT = `
SELECT (SELECT count(*) FROM compared_score WHERE NOT known) AS added,
  (SELECT count(*) FROM compared_score WHERE known AND NOT same) AS replaced,
  (SELECT count(*) FROM compared_score WHERE same) AS unchanged,
  (SELECT count(*) FROM numbered_score) - (SELECT count(*) FROM latest_score) AS overtaken`;

/** Of rows that a later one of the batch replaces: how many say the same. Asked only if there are any. */
const COUNT_OVERTAKEN_SAME = `
SELECT count(*) AS n FROM numbered_score AS earlier JOIN latest_score AS later USING (customer_no, name_no)
WHERE earlier.row_no < later.row_no AND ${SAME}`;

const WRITE = `
INSERT INTO score SELECT customer_no, name_no, value, valid_until, $1 FROM compared_score WHERE NOT same
ORDER BY name_no, customer_no`;

/** Takes the staged scores in as part of a batch, within the caller's transaction. */
export async function ingestScores(
  session: DuckDbSession,
  batchNo: number,
  options: {
    readonly step?: (phase: string) => void;
    /** Whether versions are put in force: of several of one model the last. */
    readonly activateVersions?: boolean;
  } = {},
): Promise<IngestCounts> {
  const { step = () => {}, activateVersions: activates = false } = options;
  step('numbering customers and versions');
  const erased = await dropErased(session, [STAGED_SCORE]);
  const newCustomers = await numberCustomers(session, STAGED_SCORE, batchNo);
  await session.run(NUMBER_VERSIONS, [batchNo]);
  await session.run(ACTIVATE_FIRST, [batchNo]);
  await session.run(NUMBER_SCORES);
  await dropStaged(session, [STAGED_SCORE]);
  if (activates) await activateVersions(session, LAST_VERSIONS, batchNo);
  step('comparing with known scores');
  await session.run(FIND_LATEST);
  await session.run(COMPARE);
  const { added, replaced, unchanged, overtaken } = (await session.row<
    Record<'added' | 'replaced' | 'unchanged' | 'overtaken', number>
  >(COUNT))!;
  const same = overtaken === 0 ? 0 : (await session.row<{ n: number }>(COUNT_OVERTAKEN_SAME))!.n;
  step('writing scores');
  await session.run(WRITE, [batchNo]);
  await dropStaged(session, ['numbered_score', 'latest_score', 'compared_score']);
  return {
    added,
    replaced: replaced + overtaken - same,
    unchanged: unchanged + same,
    newCustomers,
    ...erased,
  };
}
