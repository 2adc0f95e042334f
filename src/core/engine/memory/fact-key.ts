/** What makes two facts versions of one, as text; and numbers that stand for texts. */
import type { EventFact, OrderFact, ScoreFact, TraitFact } from '../../../model/fact.ts';

export const orderKey = (order: OrderFact) => JSON.stringify([order.customerId, order.orderId]);
export const traitKey = (trait: TraitFact) => JSON.stringify([trait.customerId, trait.name]);
export const eventKey = (event: EventFact) => JSON.stringify([event.customerId, event.eventId]);
export const scoreKey = (score: ScoreFact) => JSON.stringify([score.customerId, score.model, score.version]);

/** The number of a text, given when it is first seen. */
export function number(numbers: Map<string, number>, text: string, first: number): number {
  if (!numbers.has(text)) numbers.set(text, numbers.size + first);
  return numbers.get(text)!;
}
