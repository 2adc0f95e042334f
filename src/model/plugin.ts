/**
 * What plug-ins are written against, as `coterie/plugin`: the shape of a plug-in, and the parts that its
 * schemas and functions are built from. See docs/guide/plugins.md for what is promised of it.
 */
import type { PluginSource } from './plugin-source.ts';
import type { SegmentType } from './segment-type.ts';

/** The default export of a plug-in's module. */
export interface Plugin {
  /** Lower-case words joined by "-", for messages. */
  readonly name: string;
  readonly segmentTypes?: readonly SegmentType[];
  readonly sources?: readonly PluginSource[];
}

/**
 * A plug-in, with its types checked: what a module exports as default.
 *
 * @example
 * export default definePlugin({ name: 'win-back', segmentTypes: [segmentType({ … })] });
 */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

/** A segment type whose parameters are checked where it is written, among types with other parameters. */
export function segmentType<Params>(type: SegmentType<Params>): SegmentType {
  return type as SegmentType;
}

/** A source whose rows and parameters are checked where it is written, among sources with others. */
export function factSource<Row, Written, Params>(source: PluginSource<Row, Written, Params>): PluginSource {
  return source as unknown as PluginSource;
}

export type {
  ConditionAccumulator,
  LooksAt,
  NaiveHolds,
  Occurrence,
  OccurrenceRow,
  OccurrenceSql,
  OccurrenceView,
  PluginCondition,
  PluginSource,
  ReadOccurrence,
  Refuse,
} from './plugin-source.ts';
export type { WrittenStores } from './rule-schema/stores-schema.ts';
export { WindowSchema } from './rule-schema/window-schema.ts';
export type { WrittenRule } from './rule-schema.ts';
export type { SegmentType } from './segment-type.ts';
export { formatDuration, parseDuration } from './time.ts';
