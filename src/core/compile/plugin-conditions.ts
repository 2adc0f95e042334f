/**
 * What conditions of plug-ins look at in events, and the plan's index of it. Those that look at the same are
 * together, so that a customer's occurrences are gathered and read once for all of them.
 */
import type { LooksAt } from '../../model/plugin-source.ts';
import type { ConditionNumbers } from './condition-numbers.ts';
import { shareUint32 } from './csr.ts';
import type { EventSource } from './event-source.ts';
import type { Expression } from './expression.ts';
import type { PluginView } from './plan.ts';
import type { ActionOf } from './uses.ts';

interface View extends Omit<PluginView, 'params' | 'action'> {
  readonly conditions: { readonly condition: number; readonly params: unknown }[];
}

export class PluginConditions {
  readonly #conditions: ConditionNumbers;
  readonly #events: EventSource;
  readonly #views = new Map<string, View>();

  constructor(conditions: ConditionNumbers, events: EventSource) {
    this.#conditions = conditions;
    this.#events = events;
  }

  /** @param names - Numbers of the names that events have, with their places in `looksAt`; at least one. */
  of(
    source: string,
    params: unknown,
    looksAt: LooksAt,
    names: readonly { readonly nameNo: number; readonly place: number }[],
  ): Expression {
    return this.#conditions.of(`plugin/${source}/${JSON.stringify(params)}`, (condition) => {
      const key = JSON.stringify([source, looksAt]);
      let view = this.#views.get(key);
      if (view === undefined) {
        view = this.#view(source, looksAt, names);
        this.#views.set(key, view);
      }
      view.conditions.push({ condition, params });
    });
  }

  #view(
    source: string,
    { properties = [] }: LooksAt,
    names: readonly { readonly nameNo: number; readonly place: number }[],
  ): View {
    for (const { nameNo } of names) this.#events.addName(nameNo);
    return {
      source,
      nameNos: shareUint32(names.map(({ nameNo }) => nameNo)),
      namePlaces: shareUint32(names.map(({ place }) => place)),
      properties: properties.map(({ name, values = [] }) => {
        const { column, valueNos } = this.#events.addProperty(name, values);
        return { column, valueNos: shareUint32(valueNos) };
      }),
      conditions: [],
    };
  }

  /** Views with a condition that a membership depends on. */
  build(actionOf: ActionOf): readonly PluginView[] {
    return [...this.#views.values()].flatMap(({ conditions, ...view }) => {
      const used = conditions.flatMap(({ condition, params }) => {
        const action = actionOf(condition);
        return action === undefined ? [] : [{ params, action }];
      });
      if (used.length === 0) return [];
      return [
        {
          ...view,
          params: used.map(({ params }) => params),
          action: shareUint32(used.map(({ action }) => action)),
        },
      ];
    });
  }
}
