/** The catalog in memory: the oracle of the other drivers. */
import type { Definition, DefinitionVersion } from '../../../model/segment.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { ApplyNote, ApplyReport, Catalog } from '../catalog.ts';

export class MemoryCatalog implements Catalog {
  readonly #rows: DefinitionVersion[] = [];
  readonly #segmentNos = new Map<string, number>();

  async apply(definitions: readonly Definition[], note: ApplyNote): Promise<ApplyReport> {
    let added = 0;
    let changed = 0;
    let unchanged = 0;
    for (const definition of definitions) {
      const known = (await this.versions(definition.key)).at(-1);
      if (known && canonicalJson(known.definition) === canonicalJson(definition)) {
        unchanged++;
        continue;
      }
      if (known) changed++;
      else added++;
      const version = (known?.version ?? 0) + 1;
      this.#rows.push({
        definition: structuredClone(definition),
        version,
        catalogNo: this.#rows.length + 1,
        ...note,
      });
    }
    return { catalogNo: this.#rows.length, added, changed, unchanged };
  }

  async definitions(knownAt = this.#rows.length): Promise<DefinitionVersion[]> {
    const byKey = new Map<string, DefinitionVersion>();
    for (const row of this.#rows.slice(0, knownAt)) byKey.set(row.definition.key, row);
    return [...byKey.values()];
  }

  async definition(key: string): Promise<DefinitionVersion | undefined> {
    return (await this.versions(key)).at(-1);
  }

  async versions(key: string): Promise<DefinitionVersion[]> {
    return this.#rows.filter((row) => row.definition.key === key);
  }

  async catalogNo(): Promise<number> {
    return this.#rows.length;
  }

  async segmentNos(keys: readonly string[]): Promise<Uint32Array> {
    return Uint32Array.from(keys, (key) => {
      const known = this.#segmentNos.get(key) ?? this.#segmentNos.size;
      this.#segmentNos.set(key, known);
      return known;
    });
  }
}
