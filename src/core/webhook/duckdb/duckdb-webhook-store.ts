/** The port of webhooks on DuckDB: two tables in the file of the facts. */
import type { DuckDbDatabase } from '../../engine/duckdb/database.ts';
import type { DuckDbSession } from '../../engine/duckdb/session.ts';
import { bodyWithout, type DeadLetter, type Webhook, type WebhookStore } from '../webhook.ts';

const CREATE_TABLES = `
CREATE TABLE IF NOT EXISTS webhook (id VARCHAR NOT NULL, definition VARCHAR NOT NULL, "position" UBIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS webhook_dead_letter (
  letter_no UINTEGER NOT NULL, webhook_id VARCHAR NOT NULL, delivery_id VARCHAR NOT NULL, body VARCHAR NOT NULL,
  error VARCHAR NOT NULL, attempts UINTEGER NOT NULL, failed_at UINTEGER NOT NULL);
CREATE SEQUENCE IF NOT EXISTS webhook_letter_no;
`;

const MOVE = `UPDATE webhook SET "position" = $2 WHERE id = $1 AND "position" <> $2`;

const READ_LETTERS = `
SELECT letter_no AS "letterNo", webhook_id AS "webhookId", delivery_id AS "deliveryId", body, error, attempts,
  failed_at AS "failedAt"
FROM webhook_dead_letter WHERE webhook_id = $1 ORDER BY letter_no LIMIT $2`;

/** Makes the tables where they are missing. The database stays the caller's to close. */
export async function openDuckDbWebhookStore(database: DuckDbDatabase): Promise<WebhookStore> {
  await database.exclusive((session) => session.run(CREATE_TABLES));
  return {
    async list() {
      const rows = await database.rows<{ definition: string; position: number }>(
        `SELECT definition, "position" FROM webhook ORDER BY id`,
      );
      return rows.map(({ definition, position }) => ({
        webhook: JSON.parse(definition) as Webhook,
        position,
      }));
    },
    put(webhook, position) {
      return database.exclusive(async (session) => {
        const definition = JSON.stringify(webhook);
        const changed = await session.run(`UPDATE webhook SET definition = $2 WHERE id = $1`, [
          webhook.id,
          definition,
        ]);
        if (changed > 0) return;
        await session.run(`INSERT INTO webhook VALUES ($1, $2, $3)`, [webhook.id, definition, position]);
      });
    },
    remove(id) {
      return database.exclusive(async (session) => {
        await session.run(`DELETE FROM webhook_dead_letter WHERE webhook_id = $1`, [id]);
        return (await session.run(`DELETE FROM webhook WHERE id = $1`, [id])) > 0;
      });
    },
    savePositions(positions) {
      return database.exclusive(async (session) => {
        for (const [id, position] of positions) await session.run(MOVE, [id, position]);
      });
    },
    bury(letter, position) {
      const { webhookId, deliveryId, body, error, attempts, failedAt } = letter;
      return database.exclusive(async (session) => {
        await session.run(
          `INSERT INTO webhook_dead_letter SELECT nextval('webhook_letter_no'), $1, $2, $3, $4, $5, $6`,
          [webhookId, deliveryId, body, error, attempts, failedAt],
        );
        await session.run(MOVE, [webhookId, position]);
      });
    },
    deadLetters: (id, limit) => database.rows<DeadLetter>(READ_LETTERS, [id, limit]),
    async deadLetterCount(id) {
      const found = await database.row<{ n: number }>(
        `SELECT count(*) AS n FROM webhook_dead_letter WHERE webhook_id = $1`,
        [id],
      );
      return found!.n;
    },
    async removeDeadLetter(letterNo) {
      await database.run(`DELETE FROM webhook_dead_letter WHERE letter_no = $1`, [letterNo]);
    },
    forget: (customerIds) =>
      database.exclusive(async (session) => {
        for (const customerId of customerIds) await forgetIn(session, customerId);
      }),
  };
}

/** Only letters that have the id in them as JSON writes it are read. */
async function forgetIn(session: DuckDbSession, customerId: string): Promise<void> {
  const letters = await session.rows<{ letterNo: number; body: string }>(
    `SELECT letter_no AS "letterNo", body FROM webhook_dead_letter WHERE contains(body, $1)`,
    [JSON.stringify(customerId)],
  );
  for (const { letterNo, body } of letters) {
    const left = bodyWithout(body, new Set([customerId]));
    if (left === undefined) {
      await session.run(`DELETE FROM webhook_dead_letter WHERE letter_no = $1`, [letterNo]);
    } else if (left !== body) {
      await session.run(`UPDATE webhook_dead_letter SET body = $2 WHERE letter_no = $1`, [letterNo, left]);
    }
  }
}
