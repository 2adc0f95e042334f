/** JSON with the fields of every object in one order, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(inOrder(value));
}

/** The same value with fields in order. Lists of plain values are kept: most of a catalog is store ids. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    return value.some((part) => typeof part === 'object' && part !== null) ? value.map(inOrder) : value;
  }
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // Keeps a field named __proto__, which an assignment would not.
  return Object.fromEntries(fields.map(([name, part]) => [name, inOrder(part)]));
}
