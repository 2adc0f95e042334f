/** The catalog in memory: the oracle of the other drivers, and enough for tests and examples. */
import type { Definition, DefinitionVersion } from '../../../model/segment.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { ApplyNote, ApplyReport, Catalog } from '../catalog.ts';

export class MemoryCatalog implements Catalog {
  readonly #rows: DefinitionVersion[] = [];
  /** Key → its versions, oldest first; keys in the order in which they came. */
  readonly #byKey = new Map<string, DefinitionVersion[]>();
  readonly #segmentNos = new Map<string, number>();

  async apply(definitions: readonly Definition[], note: ApplyNote): Promise<ApplyReport> {
    // Texts first: what cannot be written as JSON fails before anything has changed.
    const texts = definitions.map(canonicalJson);
    let added = 0;
    let changed = 0;
    let unchanged = 0;
    for (const [i, definition] of definitions.entries()) {
      const versions = this.#byKey.get(definition.key) ?? [];
      const known = versions.at(-1);
      if (known !== undefined && canonicalJson(known.definition) === texts[i]) {
        unchanged++;
        continue;
      }
      if (known === undefined) added++;
      else changed++;
      const row: DefinitionVersion = {
        definition: JSON.parse(texts[i]!) as Definition,
        version: versions.length + 1,
        catalogNo: this.#rows.length + 1,
        ...note,
      };
      this.#rows.push(row);
      versions.push(row);
      this.#byKey.set(definition.key, versions);
    }
    return { catalogNo: this.#rows.length, added, changed, unchanged };
  }

  async definitions(knownAt = this.#rows.length): Promise<DefinitionVersion[]> {
    const inForce = [...this.#byKey.values()].map((versions) =>
      versions.findLast((version) => version.catalogNo <= knownAt),
    );
    return inForce.filter((version) => version !== undefined);
  }

  async definition(key: string): Promise<DefinitionVersion | undefined> {
    return this.#byKey.get(key)?.at(-1);
  }

  async versions(key: string): Promise<DefinitionVersion[]> {
    return [...(this.#byKey.get(key) ?? [])];
  }

  async catalogNo(appliedUpTo = Number.POSITIVE_INFINITY): Promise<number> {
    return this.#rows.findLast((row) => row.at <= appliedUpTo)?.catalogNo ?? 0;
  }

  async segmentNos(keys: readonly string[]): Promise<Uint32Array> {
    return Uint32Array.from(keys, (key) => {
      const known = this.#segmentNos.get(key) ?? this.#segmentNos.size;
      this.#segmentNos.set(key, known);
      return known;
    });
  }
}
