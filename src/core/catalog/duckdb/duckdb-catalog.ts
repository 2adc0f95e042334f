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
  /** Key → number, read once: numbers are given by this process alone, and never change. */
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
    const rows = await this.#database.rows<VersionRow>(IN_FORCE, [knownAt ?? (await this.catalogNo())]);
    return rows.map(toVersion);
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

  async catalogNo(): Promise<number> {
    return (await this.#database.row<{ catalog_no: number }>(LAST_POSITION))!.catalog_no;
  }

  async segmentNos(keys: readonly string[]): Promise<Uint32Array> {
    if (this.#segmentNos === undefined) {
      const rows = await this.#database.rows<{ key: string; segment_no: number }>(
        'SELECT key, segment_no FROM segment',
      );
      this.#segmentNos = new Map(rows.map((row) => [row.key, row.segment_no]));
    }
    const known = this.#segmentNos;
    if (keys.some((key) => !known.has(key))) {
      try {
        await this.#database.exclusive((session) => giveNumbers(session, known, keys));
      } catch (error) {
        // What was given in there is not durable: forget it, and read again.
        this.#segmentNos = undefined;
        throw error;
      }
    }
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

/** Gives the next numbers to keys that have none, in the order of the keys. */
async function giveNumbers(
  session: DuckDbSession,
  known: Map<string, number>,
  keys: readonly string[],
): Promise<void> {
  const { next } = (await session.row<{ next: number }>(
    'SELECT coalesce(max(segment_no) + 1, 0)::UINTEGER AS next FROM segment',
  ))!;
  const fresh = [...new Set(keys)].filter((key) => !known.has(key));
  await session.append('segment', [UINTEGER, VARCHAR], [fresh.map((_, i) => next + i), fresh]);
  fresh.forEach((key, i) => {
    known.set(key, next + i);
  });
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
