/**
 * What a kind of condition is to the compiler. It says what its conditions look at in facts of a source,
 * and gets back expressions over numbered conditions; indexes, walkers and everything behind them work on
 * those numbers and know no kinds. A kind over facts of its own brings a source with an index as well, and
 * a walker for it (see `evaluate/walker.ts`).
 */
import type { Condition } from '../../../model/rule.ts';
import type { FactDictionary } from '../../engine/engine.ts';
import type { Clocks } from '../clocks.ts';
import type { EventSource } from '../event-source.ts';
import type { Expression } from '../expression.ts';
import type { OrderSource } from '../order-source.ts';
import type { PluginConditions } from '../plugin-conditions.ts';
import type { StoreSets } from '../store-sets.ts';
import type { TallyTable } from '../tally-table.ts';
import type { TimeZones } from '../time-zones.ts';
import type { TraitSource } from '../trait-source.ts';

export interface ConditionKind<C extends Condition> {
  /**
   * A condition as an expression over positive, numbered ones: each can hold only for a customer with a
   * fact that its index leads to. What names something that no fact has is `FALSE`.
   */
  express(condition: C): Expression;
}

/** What kinds build on. */
export interface Sources {
  readonly dictionary: FactDictionary;
  readonly stores: StoreSets;
  readonly zones: TimeZones;
  readonly clocks: Clocks;
  readonly orders: OrderSource;
  readonly events: EventSource;
  readonly traits: TraitSource;
  readonly tallies: TallyTable;
  readonly plugins: PluginConditions;
  /** When time alone can change a condition; see `TimeOffsets`. Each kind adds what its conditions need. */
  readonly offsets: OffsetSets;
}

export type OffsetSets = Record<'orders' | 'events' | 'traits' | 'scores', Set<number>>;
