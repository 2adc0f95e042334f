/**
 * All kinds of conditions, over the sources of facts that they share: rules go in as conditions, and come
 * out as the indexes of the plan. A new kind is a file in `condition/` and a line in `KINDS`.
 */
import type { Condition } from '../../model/rule.ts';
import type { FactDictionary, StoreTable } from '../engine/engine.ts';
import { Clocks } from './clocks.ts';
import type { ConditionKind, OffsetSets, Sources } from './condition/condition-kind.ts';
import { eventKind } from './condition/event.ts';
import { listedKind } from './condition/listed.ts';
import { ordersKind } from './condition/orders.ts';
import { pluginKind } from './condition/plugin.ts';
import { scoreKind } from './condition/score.ts';
import { sequenceKind } from './condition/sequence.ts';
import { traitKind } from './condition/trait.ts';
import { ConditionNumbers } from './condition-numbers.ts';
import { EventSource } from './event-source.ts';
import type { Expression } from './expression.ts';
import { OrderSource } from './order-source.ts';
import type { Plan } from './plan.ts';
import { PluginConditions } from './plugin-conditions.ts';
import { StoreSets } from './store-sets.ts';
import { TallyTable } from './tally-table.ts';
import { TimeZones } from './time-zones.ts';
import { TraitSource } from './trait-source.ts';
import type { ActionOf } from './uses.ts';

type Kinds = {
  readonly [K in Condition['kind']]: (sources: Sources) => ConditionKind<Extract<Condition, { kind: K }>>;
};

const KINDS: Kinds = {
  orders: ordersKind,
  trait: traitKind,
  event: eventKind,
  score: scoreKind,
  listed: listedKind,
  sequence: sequenceKind,
  plugin: pluginKind,
};

export class ConditionTable {
  readonly #conditions = new ConditionNumbers();
  readonly #sources: Sources;
  readonly #kinds: ReadonlyMap<string, ConditionKind<Condition>>;
  readonly #storeLimit: number;

  constructor(stores: StoreTable, dictionary: FactDictionary) {
    const zones = new TimeZones();
    const tallies = new TallyTable(this.#conditions);
    const offsets: OffsetSets = {
      orders: new Set(),
      events: new Set(),
      traits: new Set(),
      scores: new Set(),
    };
    const events = new EventSource(tallies);
    this.#sources = {
      dictionary,
      stores: new StoreSets(stores),
      zones,
      clocks: new Clocks(zones),
      orders: new OrderSource(this.#conditions, tallies),
      events,
      traits: new TraitSource(this.#conditions, dictionary),
      tallies,
      plugins: new PluginConditions(this.#conditions, events),
      offsets,
    };
    this.#kinds = new Map(Object.entries(KINDS).map(([kind, of]) => [kind, of(this.#sources)]));
    this.#storeLimit = stores.ids.length + 1;
  }

  /** Distinct conditions so far; they are numbered from 0. */
  get size(): number {
    return this.#conditions.size;
  }

  /** A condition as an expression over positive, numbered conditions. */
  express(condition: Condition): Expression {
    return this.#kinds.get(condition.kind)!.express(condition);
  }

  /** The indexes that lead from facts to the conditions, and what they need of facts. */
  async build(
    actionOf: ActionOf,
  ): Promise<
    Pick<Plan, 'orders' | 'traits' | 'events' | 'plugins' | 'tallies' | 'zones' | 'columns' | 'timeOffsets'>
  > {
    const { orders, traits, events, plugins, tallies, stores, clocks, zones, offsets } = this.#sources;
    const tallyIndex = tallies.build(actionOf);
    orders.writeFilters(tallyIndex);
    const ascending = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);
    return {
      orders: await orders.build(stores, this.#storeLimit, clocks, actionOf),
      traits: traits.build(actionOf),
      events: events.build(),
      plugins: plugins.build(actionOf),
      tallies: tallyIndex,
      zones: await zones.build(),
      columns: { ...orders.columns, ...traits.columns, ...events.columns },
      timeOffsets: {
        orders: ascending(offsets.orders),
        events: ascending(offsets.events),
        traits: ascending(offsets.traits),
        scores: ascending(offsets.scores),
      },
    };
  }
}
