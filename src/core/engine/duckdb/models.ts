/** Models with their versions, and lists: what is known of each, and which version is in force. */
import type { ListState, ModelState } from '../engine.ts';
import { versionNotFound } from '../version-not-found.ts';
import { nextBatchNo, recordBatch } from './batch.ts';
import type { DuckDbDatabase } from './database.ts';
import type { DuckDbSession } from './session.ts';

/** The last activation of each model up to a batch, `$1`. */
export const MODELS_IN_FORCE = `
SELECT model, arg_max(name_no, batch_no) AS name_no, max(batch_no) AS batch_no
FROM model_activation WHERE batch_no <= $1 GROUP BY model`;

const LAST_BATCH = 0xffff_ffff;

/** See `Engine.activateModelVersion`. */
export function activateModelVersion(
  database: DuckDbDatabase,
  model: string,
  version: string,
): Promise<{ readonly batchNo: number }> {
  return database.exclusive(async (session) => {
    const found = await session.row<{ name_no: number }>(
      `SELECT name_no FROM model_version SEMI JOIN score USING (name_no) WHERE model = $1 AND version = $2`,
      [model, version],
    );
    if (found === undefined) throw versionNotFound(model, version);
    const inForce = await session.row<{ name_no: number; batch_no: number }>(
      `SELECT name_no, batch_no FROM (${MODELS_IN_FORCE}) WHERE model = $2`,
      [LAST_BATCH, model],
    );
    if (inForce?.name_no === found.name_no) return { batchNo: inForce.batch_no };
    const batchNo = await nextBatchNo(session);
    await session.run('INSERT INTO model_activation SELECT $1, $2, $3', [model, found.name_no, batchNo]);
    await recordBatch(session, {
      batchNo,
      source: 'activation',
      origin: `${model} ${version}`,
      rows: 0,
      counts: { added: 0, replaced: 0, unchanged: 0 },
      rejected: 0,
      report: {},
    });
    return { batchNo };
  });
}

/**
 * Puts versions in force as part of a batch, within the caller's transaction; those that are stay.
 *
 * @param versions - A query of `model` and `name_no`, one row for each model.
 */
export async function activateVersions(
  session: DuckDbSession,
  versions: string,
  batchNo: number,
): Promise<void> {
  // A model's first version may have been put in force by this batch already: one row of a batch says it all.
  await session.run(
    `DELETE FROM model_activation WHERE batch_no = $1 AND model IN (SELECT model FROM (${versions}))`,
    [batchNo],
  );
  await session.run(
    `INSERT INTO model_activation
     SELECT model, name_no, $2 FROM (${versions})
     ANTI JOIN (${MODELS_IN_FORCE}) AS in_force USING (model, name_no) ORDER BY model`,
    [LAST_BATCH, batchNo],
  );
}

/** See `Engine.models`. */
export async function readModels(database: DuckDbDatabase): Promise<readonly ModelState[]> {
  const rows = await database.rows<{
    model: string;
    version: string;
    scores: number;
    in_force: boolean;
    activated: number | null;
  }>(
    `SELECT model, version, coalesce(scores, 0) AS scores, in_force.name_no IS NOT NULL AS in_force, activated
     FROM model_version
     LEFT JOIN (SELECT name_no, count(DISTINCT customer_no) AS scores FROM score GROUP BY name_no) USING (name_no)
     LEFT JOIN (SELECT name_no, max(batch_no) AS activated FROM model_activation GROUP BY name_no) USING (name_no)
     LEFT JOIN (${MODELS_IN_FORCE}) AS in_force USING (model, name_no)
     ORDER BY model, name_no`,
    [LAST_BATCH],
  );
  const models = new Map<string, ModelState['versions'][number][]>();
  for (const { model, version, scores, in_force, activated } of rows) {
    if (!models.has(model)) models.set(model, []);
    models.get(model)!.push({
      version,
      scores,
      isInForce: in_force,
      ...(activated === null ? {} : { activatedBatchNo: activated }),
    });
  }
  return [...models].map(([model, versions]) => ({ model, versions }));
}

/** See `Engine.lists`. */
export function readLists(database: DuckDbDatabase, list?: string): Promise<readonly ListState[]> {
  const wanted = list === undefined ? 'list' : '(FROM list WHERE name = $1) AS list';
  return database.rows<{ list: string; customers: number }>(
    `WITH listed AS (
       SELECT customer_no, name_no FROM list_entry SEMI JOIN ${wanted} USING (name_no)
       GROUP BY ALL HAVING arg_max(is_listed, batch_no))
     SELECT name AS list, coalesce(customers, 0) AS customers FROM ${wanted}
     LEFT JOIN (SELECT name_no, count(*) AS customers FROM listed GROUP BY name_no) USING (name_no)
     ORDER BY name`,
    list === undefined ? [] : [list],
  );
}
