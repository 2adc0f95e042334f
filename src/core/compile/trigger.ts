/**
 * Which conditions have to be watched for a rule: "ordered here, and lives in the city" differs from its
 * default only for those who ordered here, so nothing need happen in it for everybody else in the city.
 */
import type { Expression } from './expression.ts';

/**
 * Conditions of which one at least holds whenever the expression is not what it is without any; of the
 * sets that are so by the shape of the expression, the one that costs least.
 *
 * @param cost - Of watching a condition, above 0.
 */
export function triggersOf(expression: Expression, cost: (condition: number) => number): ReadonlySet<number> {
  return visit(expression, cost).triggers;
}

interface Visited {
  /** The value with no condition true. */
  readonly isDefault: boolean;
  readonly triggers: ReadonlySet<number>;
}

function visit(expression: Expression, cost: (condition: number) => number): Visited {
  switch (expression.op) {
    case 'condition':
      return { isDefault: false, triggers: new Set([expression.condition]) };
    case 'constant':
      return { isDefault: expression.value, triggers: new Set() };
    case 'not': {
      const { isDefault, triggers } = visit(expression.of, cost);
      return { isDefault: !isDefault, triggers };
    }
    default: {
      // One part that is false decides an "all", as one that is true decides an "any": that part keeps
      // the whole as it is until one of its own triggers holds.
      const decides = expression.op === 'any';
      const parts = expression.of.map((part) => visit(part, cost));
      const deciding = parts.filter((part) => part.isDefault === decides);
      if (deciding.length > 0) return { isDefault: decides, triggers: cheapest(deciding, cost) };
      return { isDefault: !decides, triggers: new Set(parts.flatMap((part) => [...part.triggers])) };
    }
  }
}

function cheapest(parts: readonly Visited[], cost: (condition: number) => number): ReadonlySet<number> {
  const total = ({ triggers }: Visited) => [...triggers].reduce((sum, trigger) => sum + cost(trigger), 0);
  return parts.reduce((best, part) => (total(part) < total(best) ? part : best)).triggers;
}
