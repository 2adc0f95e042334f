/**
 * Definitions (what people write, versioned, never edited in place) and segments (what is calculated:
 * one for each plain definition, one for each store, brand, city or category of a family).
 */
import type { Rule } from './rule.ts';

export type SegmentStatus = 'active' | 'paused' | 'archived';

/** What a family has an instance of for each. */
export type FamilyDimension = 'store' | 'brand' | 'city' | 'category';

/** A definition as written and as stored: JSON that follows the published schema. */
export interface Definition {
  readonly key: string;
  readonly name?: string;
  readonly description?: string;
  readonly owner?: string;
  readonly tags?: readonly string[];
  readonly status?: SegmentStatus;
  readonly type: string;
  readonly params?: unknown;
  readonly forEach?: FamilyDimension;
  /** How old answers about it may be, such as `10s`: reported on, not enforced. */
  readonly freshness?: string;
}

/** One row of the append-only catalog. */
export interface DefinitionVersion {
  readonly definition: Definition;
  /** 1 for the first version of this key. */
  readonly version: number;
  /** Position in the catalog: grows by one with every row appended. */
  readonly catalogNo: number;
  readonly author: string;
  /** Seconds since 1970. */
  readonly at: number;
  readonly reason?: string;
}

/** A segment that is ready to be compiled: its number, and its rule with every reference replaced. */
export interface Segment {
  /** Given once, never reused; 32 bits. */
  readonly segmentNo: number;
  /** `key`, or `family@instance`. */
  readonly key: string;
  readonly definition: Definition;
  /** The store, brand, city or category that a family's instance stands for. */
  readonly instance?: string;
  readonly rule: Rule;
}

/** The key of a family's instance. */
export function instanceKey(familyKey: string, instance: string): string {
  return `${familyKey}@${instance}`;
}
