/**
 * The definitions in force, held in memory by key, so that lists and look-ups do not read the catalog:
 * one process has the catalog open, and everything applied goes through here.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Definition, DefinitionVersion } from '../model/segment.ts';
import type { SegmentTypes } from '../model/segment-type.ts';
import { canonicalJson } from './catalog/canonical-json.ts';
import type { Catalog } from './catalog/catalog.ts';
import { readRules } from './catalog/resolve-segments.ts';
import { referencesOf } from './catalog/segment-reference.ts';
import type { DryRunReport, SegmentFilter } from './core.ts';
import type { StoreTable } from './engine/engine.ts';

export class DefinitionIndex {
  readonly #catalog: Catalog;
  #loaded:
    | {
        readonly catalogNo: number;
        readonly byKey: ReadonlyMap<string, DefinitionVersion>;
        readonly keys: readonly string[];
      }
    | undefined;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  async byKey(): Promise<ReadonlyMap<string, DefinitionVersion>> {
    return (await this.#load()).byKey;
  }

  /** Definitions that match, ascending by key. Archived ones only when asked for by status. */
  async find(filter: SegmentFilter): Promise<{
    readonly items: readonly DefinitionVersion[];
    readonly next?: string;
    readonly total: number;
  }> {
    const { byKey, keys } = await this.#load();
    const items: DefinitionVersion[] = [];
    let total = 0;
    let more = false;
    for (const key of keys) {
      const version = byKey.get(key)!;
      if (!matches(version.definition, filter)) continue;
      total++;
      if (filter.after !== undefined && key <= filter.after) continue;
      if (items.length < filter.limit) items.push(version);
      else more = true;
    }
    return { items, total, ...(more ? { next: items.at(-1)!.definition.key } : {}) };
  }

  async #load() {
    const catalogNo = await this.#catalog.catalogNo();
    if (this.#loaded?.catalogNo !== catalogNo) {
      const versions = await this.#catalog.definitions(catalogNo);
      const byKey = new Map(versions.map((version) => [version.definition.key, version]));
      this.#loaded = { catalogNo, byKey, keys: [...byKey.keys()].sort() };
    }
    return this.#loaded;
  }
}

/**
 * Whether a definition does nothing but archive the one in force: it means nothing any more, so it need not be checked,
 * and can be applied also where the plug-in that it came from is gone.
 */
export function isEndOf(definition: Definition, inForce: Definition | undefined): boolean {
  return (
    inForce !== undefined &&
    definition.status === 'archived' &&
    isDeepStrictEqual({ ...inForce, status: 'archived' }, definition)
  );
}

/** What applying definitions would do, as catalogs tell what differs: by canonical JSON. */
export function changesOf(
  definitions: readonly Definition[],
  byKey: ReadonlyMap<string, DefinitionVersion>,
): DryRunReport {
  const report = { added: [] as string[], changed: [] as string[], unchanged: [] as string[] };
  for (const definition of definitions) {
    const inForce = byKey.get(definition.key)?.definition;
    if (inForce === undefined) report.added.push(definition.key);
    else if (canonicalJson(inForce) === canonicalJson(definition)) report.unchanged.push(definition.key);
    else report.changed.push(definition.key);
  }
  return report;
}

/** The definition that a segment's key belongs to: its own, or its family's. */
export function definitionKeyOf(segmentKey: string): string {
  const at = segmentKey.indexOf('@');
  return at < 0 ? segmentKey : segmentKey.slice(0, at);
}

/**
 * The definitions that some need: themselves and all that they refer to, however far, each once. What
 * does not exist is left out, for resolution to complain of.
 */
export function withReferences(
  wanted: readonly Definition[],
  byKey: ReadonlyMap<string, { readonly definition: Definition }>,
  stores: StoreTable,
  types: SegmentTypes,
): Definition[] {
  const found = new Map(wanted.map((definition) => [definition.key, definition]));
  for (const definition of found.values()) {
    const [first] = readRules([{ ...definition, status: 'active' }], stores, types);
    for (const reference of first ? referencesOf(first.rule) : []) {
      const key = definitionKeyOf(reference);
      const referred = byKey.get(key)?.definition;
      if (referred !== undefined && !found.has(key)) found.set(key, referred);
    }
  }
  return [...found.values()];
}

function matches(definition: Definition, filter: SegmentFilter): boolean {
  const status = definition.status ?? 'active';
  if (filter.status === undefined ? status === 'archived' : status !== filter.status) return false;
  if (filter.owner !== undefined && definition.owner !== filter.owner) return false;
  if (filter.type !== undefined && definition.type !== filter.type) return false;
  if (filter.tag !== undefined && !definition.tags?.includes(filter.tag)) return false;
  if (filter.q === undefined) return true;
  const q = filter.q.toLowerCase();
  return definition.key.toLowerCase().includes(q) || (definition.name?.toLowerCase().includes(q) ?? false);
}
