/**
 * The catalog port: definitions, append-only, each version with author, time and reason; and the numbers
 * of segments, which are given once and never reused.
 */
import type { Definition, DefinitionVersion } from '../../model/segment.ts';

export interface ApplyNote {
  readonly author: string;
  /** Seconds since 1970. */
  readonly at: number;
  readonly reason?: string;
}

export interface ApplyReport {
  /** Position of the catalog after this. */
  readonly catalogNo: number;
  readonly added: number;
  readonly changed: number;
  /** Equal to the version in force: nothing is appended for these. */
  readonly unchanged: number;
}

export interface Catalog {
  /** Appends a version for each definition that differs from the one in force; all or none. */
  apply(definitions: readonly Definition[], note: ApplyNote): Promise<ApplyReport>;
  /** The version in force of every key, archived ones included, after this catalog position (default: the last). */
  definitions(knownAt?: number): Promise<DefinitionVersion[]>;
  definition(key: string): Promise<DefinitionVersion | undefined>;
  /** Oldest first; empty if the key was never defined. */
  versions(key: string): Promise<DefinitionVersion[]>;
  /**
   * The last position, or the last that was applied up to a moment; 0 when there was none.
   *
   * @param appliedUpTo - Seconds since 1970, inclusive.
   */
  catalogNo(appliedUpTo?: number): Promise<number>;
  /** The segment numbers of these keys, giving new ones to keys without. Same order as the keys. */
  segmentNos(keys: readonly string[]): Promise<Uint32Array>;
}
