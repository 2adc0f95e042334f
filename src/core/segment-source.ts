/**
 * From a key to its segments, as they were defined at a catalog position: for the questions that are
 * asked of a few segments at a time.
 */
import { CoterieError } from '../model/error.ts';
import type { AsOf } from '../model/membership.ts';
import type { Definition, DefinitionVersion, Segment } from '../model/segment.ts';
import type { SegmentTypes } from '../model/segment-type.ts';
import { formatMoment } from '../model/time.ts';
import type { BoundedSegments, BoundSource } from './bound-source.ts';
import type { Catalog } from './catalog/catalog.ts';
import { resolveSegments } from './catalog/resolve-segments.ts';
import { type DefinitionIndex, definitionKeyOf, withReferences } from './definition-index.ts';
import type { Engine, StoreTable } from './engine/engine.ts';

export class SegmentSource {
  readonly #engine: Engine;
  readonly #catalog: Catalog;
  readonly #definitions: DefinitionIndex;
  readonly #types: SegmentTypes;
  readonly #bounds: BoundSource;

  constructor(parts: {
    readonly engine: Engine;
    readonly catalog: Catalog;
    readonly definitions: DefinitionIndex;
    readonly types: SegmentTypes;
    readonly bounds: BoundSource;
  }) {
    this.#engine = parts.engine;
    this.#catalog = parts.catalog;
    this.#definitions = parts.definitions;
    this.#types = parts.types;
    this.#bounds = parts.bounds;
  }

  /** The segment of a key, which must not be a family's. */
  async onlySegmentOf(
    key: string,
    asOf: AsOf,
  ): Promise<{
    readonly segment: Segment;
    readonly stores: StoreTable;
    readonly taken: BoundedSegments['taken'];
  }> {
    const { segments, stores, isFamily, taken } = await this.segmentsOf(key, asOf);
    const [segment] = segments;
    if (!isFamily && segment) return { segment, stores, taken };
    throw new CoterieError(
      'REQUEST_INVALID',
      `"${key}" is a family: name one of its segments, such as ${key}@…`,
      { field: 'segment' },
    );
  }

  /**
   * The segments behind a key, with the definitions of a catalog position: one, or a family's all; with the
   * bounds that the population set by then, in `taken`.
   */
  async segmentsOf(
    key: string,
    asOf: AsOf,
  ): Promise<{
    readonly segments: readonly Segment[];
    readonly stores: StoreTable;
    readonly isFamily: boolean;
    readonly taken: BoundedSegments['taken'];
  }> {
    const definitionKey = definitionKeyOf(key);
    const byKey = await this.definitionsAt(asOf.catalogNo);
    const definition = byKey.get(definitionKey)?.definition;
    const stores = await this.#engine.storeTable(asOf.batchNo);
    if (definition !== undefined && definition.status !== 'archived') {
      const needed = withReferences([definition], byKey, stores, this.#types);
      const all = this.#resolve(needed, definitionKey, stores);
      const own = key === definitionKey ? all : all.filter((segment) => segment.key === key);
      const isFamily = key === definitionKey && definition.forEach !== undefined;
      if (own.length > 0 || isFamily) {
        const { segments, taken } = await this.#bounds.boundAsOf(own, stores, asOf);
        return { segments, stores, isFamily, taken };
      }
    }
    const [first] = definition === undefined ? await this.#catalog.versions(definitionKey) : [];
    if (first === undefined) {
      throw new CoterieError('SEGMENT_NOT_FOUND', `There is no segment "${key}"`, { segment: key });
    }
    const definedAt = formatMoment(first.at);
    // No calculation stands behind what was known at a past moment.
    const words =
      asOf.calculationNo === 0
        ? `was not defined yet at ${formatMoment(asOf.moment)}: its first version is of ${definedAt}`
        : `was defined at ${definedAt}, after what is served was calculated`;
    throw new CoterieError('SEGMENT_DEFINED_LATER', `Segment "${key}" ${words}`, { segment: key, definedAt });
  }

  /** The segment of a definition that is not archived and has only one. */
  async onlySegment(
    version: DefinitionVersion | undefined,
    byKey: ReadonlyMap<string, DefinitionVersion>,
    stores: StoreTable,
    asOf: AsOf,
  ): Promise<Segment | undefined> {
    if (version === undefined || version.definition.status === 'archived') return undefined;
    const needed = withReferences([version.definition], byKey, stores, this.#types);
    const { segments } = await this.resolve(needed, version.definition.key, stores, asOf);
    return segments.length === 1 ? segments[0] : undefined;
  }

  /** The segments of one of the definitions; the others are there for its references. */
  async resolve(
    definitions: readonly Definition[],
    key: string,
    stores: StoreTable,
    asOf: AsOf,
  ): Promise<BoundedSegments> {
    return this.#bounds.boundAsOf(this.#resolve(definitions, key, stores), stores, asOf);
  }

  #resolve(definitions: readonly Definition[], key: string, stores: StoreTable): Segment[] {
    const versions = definitions.map((definition) => ({
      definition,
      version: 1,
      catalogNo: 0,
      author: '',
      at: 0,
    }));
    return resolveSegments({ versions, stores, types: this.#types }).filter(
      (segment) => segment.definition.key === key,
    );
  }

  async definitionsAt(catalogNo: number): Promise<ReadonlyMap<string, DefinitionVersion>> {
    if (catalogNo === (await this.#catalog.catalogNo())) return this.#definitions.byKey();
    const versions = await this.#catalog.definitions(catalogNo);
    return new Map(versions.map((version) => [version.definition.key, version]));
  }
}
