/**
 * The catalog in the DuckDB file: rows are appended, never changed, so what was read is kept, and only rows that came
 * since are read again: the definitions in force, once for everybody in the process, and the numbers of segments.
 */
import { UINTEGER, VARCHAR } from '@duckdb/node-api';
import type { Definition, DefinitionVersion } from '../../../model/segment.ts';
import type { DuckDbDatabase } from '../../engine/duckdb/database.ts';
import type { DuckDbSession } from '../../engine/duckdb/session.ts';
import { Turns } from '../../turns.ts';
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
/**
 * Of the positions above $1 up to $2, the last version of every key, in the order in which the keys came: with $1 = 0
 * what is in force at $2.
 */
const LAST_VERSIONS = `
  SELECT ${COLUMNS} FROM definition_version JOIN (
    SELECT max(catalog_no) AS catalog_no, min(catalog_no) AS first_no FROM definition_version
    WHERE catalog_no > $1 AND catalog_no <= $2 GROUP BY key) AS last USING (catalog_no)
  ORDER BY first_no`;
/** $1: the first number. */
const NUMBERS = 'SELECT key, segment_no FROM segment WHERE segment_no >= $1 ORDER BY segment_no';
const LAST_POSITION = 'SELECT coalesce(max(catalog_no), 0)::UINTEGER AS catalog_no FROM definition_version';

/** In the order of `COLUMNS`. */
type VersionCells = [number, number, string, string, number, string | null];

interface InForce {
  readonly catalogNo: number;
  /** In the order in which the keys came. */
  readonly byKey: ReadonlyMap<string, DefinitionVersion>;
}

const NOTHING: InForce = { catalogNo: 0, byKey: new Map() };

export class DuckDbCatalog implements Catalog {
  readonly #database: DuckDbDatabase;
  /** In force at the latest position that was asked for. */
  #inForce = NOTHING;
  /** Key → number: those from 0 on that were read or given. Numbers are dense and never change. */
  readonly #segmentNos = new Map<string, number>();

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
    const kept = this.#inForce.catalogNo <= position ? this.#inForce : NOTHING;
    let { catalogNo } = kept;
    const byKey = new Map(kept.byKey);
    for await (const chunk of this.#database.stream(LAST_VERSIONS, [catalogNo, position])) {
      for (const row of chunk.getRows()) {
        const [no, version, definition, author, at, reason] = row as VersionCells;
        const read = toVersion({ catalog_no: no, version, definition, author, at, reason });
        byKey.set(read.definition.key, read);
        catalogNo = Math.max(catalogNo, no);
      }
    }
    if (catalogNo > this.#inForce.catalogNo) this.#inForce = { catalogNo, byKey };
    return [...byKey.values()];
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
    if (this.#segmentNos.size === 0)
      await this.#database.withSession((session) => this.#readNumbers(session));
    const known = await this.#numbersOf(keys);
    if (known !== undefined) return known;
    // Kept only once they are committed: a number is never seen and then given to another key.
    const { first, fresh } = await this.#database.exclusive((session) => this.#giveNumbers(session, keys));
    for (const [i, key] of fresh.entries()) this.#segmentNos.set(key, first + i);
    return (await this.#numbersOf(keys))!;
  }

  /** Undefined if any key has none. */
  async #numbersOf(keys: readonly string[]): Promise<Uint32Array | undefined> {
    const turns = new Turns();
    const numbers = new Uint32Array(keys.length);
    for (let i = 0; i < keys.length; i++) {
      if (turns.isOver()) await turns.next();
      const number = this.#segmentNos.get(keys[i]!);
      if (number === undefined) return undefined;
      numbers[i] = number;
    }
    return numbers;
  }

  /** Reads the numbers that are not kept yet. They come in ascending order, so that none is left out in between. */
  async #readNumbers(session: DuckDbSession): Promise<void> {
    for await (const chunk of session.stream(NUMBERS, [this.#segmentNos.size])) {
      for (const [key, number] of chunk.getRows() as [string, number][]) this.#segmentNos.set(key, number);
    }
  }

  /**
   * Gives the next numbers to keys that have none, in the order of the keys.
   *
   * @returns The keys that were given one, and the first of these numbers. What others gave is read in the transaction.
   */
  async #giveNumbers(
    session: DuckDbSession,
    keys: readonly string[],
  ): Promise<{ readonly first: number; readonly fresh: readonly string[] }> {
    await this.#readNumbers(session);
    const first = this.#segmentNos.size;
    const fresh = [...new Set(keys)].filter((key) => !this.#segmentNos.has(key));
    await session.append('segment', [UINTEGER, VARCHAR], [fresh.map((_, i) => first + i), fresh]);
    return { first, fresh };
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
