/** The catalog in the DuckDB file: rows are appended, never changed. */
import { UINTEGER, VARCHAR } from '@duckdb/node-api';
import type { Definition, DefinitionVersion } from '../../../model/segment.ts';
import type { DuckDbDatabase } from '../../engine/duckdb/database.ts';
import type { DuckDbSession } from '../../engine/duckdb/session.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { ApplyNote, ApplyReport, Catalog } from '../catalog.ts';

interface VersionRow {
  readonly catalog_no: number;
  readonly version: number;
  readonly definition: string;
  readonly author: string;
  readonly at: number;
  readonly reason: string | null;
}

/** In the order of `COLUMNS`. */
type VersionCells = [number, number, string, string, number, string | null];

const COLUMNS = 'catalog_no, version, definition, author, "at", reason';
/** $1: catalog position. The version in force of every key, in the order in which the keys came. */
const IN_FORCE = `
  SELECT ${COLUMNS}, min(catalog_no) OVER (PARTITION BY key) AS first_no
  FROM definition_version WHERE catalog_no <= $1
  QUALIFY row_number() OVER (PARTITION BY key ORDER BY catalog_no DESC) = 1
  ORDER BY first_no`;
const LAST_POSITION = 'SELECT coalesce(max(catalog_no), 0)::UINTEGER AS catalog_no FROM definition_version';

export class DuckDbCatalog implements Catalog {
  readonly #database: DuckDbDatabase;
  /** Key → number, as last read or given. Numbers are dense from 0 and never change. */
  #segmentNos: Map<string, number> | undefined;

  constructor(database: DuckDbDatabase) {
    this.#database = database;
  }

  apply(definitions: readonly Definition[], note: ApplyNote): Promise<ApplyReport> {
    return this.#database.exclusive(async (session) => {
      let { catalog_no: catalogNo } = (await session.row<{ catalog_no: number }>(LAST_POSITION))!;
      const inForce = await this.#versionsInForce(session, definitions);
      const rows: Row[] = [];
      let added = 0;
      let unchanged = 0;
      for (const definition of definitions) {
        const text = canonicalJson(definition);
        const known = inForce.get(definition.key);
        if (known?.definition === text) {
          unchanged++;
          continue;
        }
        if (known === undefined) added++;
        const row: Row = {
          catalogNo: ++catalogNo,
          key: definition.key,
          version: (known?.version ?? 0) + 1,
          definition: text,
        };
        inForce.set(definition.key, row);
        rows.push(row);
      }
      await appendRows(session, rows, note);
      return { catalogNo, added, changed: rows.length - added, unchanged };
    });
  }

  async definitions(knownAt?: number): Promise<DefinitionVersion[]> {
    const position = knownAt ?? (await this.catalogNo());
    const versions: DefinitionVersion[] = [];
    // Chunk by chunk: parsing 100,000 definitions takes half a second.
    for await (const chunk of this.#database.stream(IN_FORCE, [position])) {
      for (const row of chunk.getRows()) {
        const [catalog_no, version, definition, author, at, reason] = row as VersionCells;
        versions.push(toVersion({ catalog_no, version, definition, author, at, reason }));
      }
    }
    return versions;
  }

  async definition(key: string): Promise<DefinitionVersion | undefined> {
    return (await this.versions(key)).at(-1);
  }

  async versions(key: string): Promise<DefinitionVersion[]> {
    const rows = await this.#database.rows<VersionRow>(
      `SELECT ${COLUMNS} FROM definition_version WHERE key = $1 ORDER BY catalog_no`,
      [key],
    );
    return rows.map(toVersion);
  }

  async catalogNo(appliedUpTo?: number): Promise<number> {
    const [sql, params] =
      appliedUpTo === undefined ? [LAST_POSITION, []] : [`${LAST_POSITION} WHERE "at" <= $1`, [appliedUpTo]];
    return (await this.#database.row<{ catalog_no: number }>(sql, params))!.catalog_no;
  }

  async segmentNos(keys: readonly string[]): Promise<Uint32Array> {
    let known = this.#segmentNos ?? (await this.#database.withSession(readNumbers));
    if (keys.some((key) => !known.has(key))) {
      // Known here only once they are committed: a number is never seen and then given to another key.
      known = await this.#database.exclusive((session) => giveNumbers(session, keys));
    }
    this.#segmentNos = known;
    return Uint32Array.from(keys, (key) => known.get(key)!);
  }

  async #versionsInForce(
    session: DuckDbSession,
    definitions: readonly Definition[],
  ): Promise<Map<string, Known>> {
    await session.run('CREATE OR REPLACE TEMP TABLE applied_key (key VARCHAR NOT NULL)');
    await session.append('applied_key', [VARCHAR], [definitions.map((definition) => definition.key)]);
    const rows = await session.rows<{ key: string; version: number; definition: string }>(`
      SELECT key, version, definition FROM definition_version SEMI JOIN applied_key USING (key)
      QUALIFY row_number() OVER (PARTITION BY key ORDER BY catalog_no DESC) = 1`);
    await session.run('DROP TABLE applied_key');
    return new Map(rows.map((row) => [row.key, row]));
  }
}

interface Known {
  readonly version: number;
  /** Canonical JSON. */
  readonly definition: string;
}

interface Row extends Known {
  readonly catalogNo: number;
  readonly key: string;
}

function appendRows(session: DuckDbSession, rows: readonly Row[], note: ApplyNote): Promise<void> {
  return session.append(
    'definition_version',
    [UINTEGER, VARCHAR, UINTEGER, VARCHAR, VARCHAR, UINTEGER, VARCHAR],
    [
      rows.map((row) => row.catalogNo),
      rows.map((row) => row.key),
      rows.map((row) => row.version),
      rows.map((row) => row.definition),
      rows.map(() => note.author),
      rows.map(() => note.at),
      rows.map(() => note.reason ?? null),
    ],
  );
}

async function readNumbers(session: DuckDbSession): Promise<Map<string, number>> {
  const rows = await session.rows<{ key: string; segment_no: number }>('SELECT key, segment_no FROM segment');
  return new Map(rows.map((row) => [row.key, row.segment_no]));
}

/**
 * Gives the next numbers to keys that have none, in the order of the keys.
 *
 * @returns All numbers. They are read again in the transaction, since another may have given some before.
 */
async function giveNumbers(session: DuckDbSession, keys: readonly string[]): Promise<Map<string, number>> {
  const known = await readNumbers(session);
  const first = known.size;
  const fresh = [...new Set(keys)].filter((key) => !known.has(key));
  await session.append('segment', [UINTEGER, VARCHAR], [fresh.map((_, i) => first + i), fresh]);
  for (const [i, key] of fresh.entries()) known.set(key, first + i);
  return known;
}

function toVersion(row: VersionRow): DefinitionVersion {
  return {
    definition: JSON.parse(row.definition) as Definition,
    version: row.version,
    catalogNo: row.catalog_no,
    author: row.author,
    at: row.at,
    ...(row.reason === null ? {} : { reason: row.reason }),
  };
}
