/** What the oracle keeps of facts: each version of each, with the batch that brought it. */

/** A fact and the batch that brought it. */
export interface Received<T> {
  readonly fact: T;
  readonly batchNo: number;
}

/** The last fact about each thing, in the order in which things first appear. */
export function lastOfEach<T>(facts: readonly T[], key: (fact: T) => string): T[] {
  return [...new Map(facts.map((fact) => [key(fact), fact])).values()];
}

/** What was known after a batch: of each thing the latest version. */
export function latest<T>(received: readonly Received<T>[], key: (fact: T) => string, knownAt: number): T[] {
  return lastOfEach(
    received.filter((row) => row.batchNo <= knownAt).map((row) => row.fact),
    key,
  );
}

/** Facts by their customer, in the order given. */
export function byCustomer<T extends { readonly customerId: string }>(facts: readonly T[]): Map<string, T[]> {
  const grouped = new Map<string, T[]>();
  for (const fact of facts) {
    const own = grouped.get(fact.customerId);
    if (own === undefined) grouped.set(fact.customerId, [fact]);
    else own.push(fact);
  }
  return grouped;
}

/** Appends a version unless it says what the one in force says. */
export function append<T>(received: Received<T>[], row: Received<T>, key: (fact: T) => string): void {
  const known = received.findLast((earlier) => key(earlier.fact) === key(row.fact));
  if (known === undefined || canonical(known.fact) !== canonical(row.fact)) received.push(row);
}

/** What a fact says; a field that is undefined is absent. */
function canonical(fact: unknown): string {
  const entries = Object.entries(fact as Record<string, unknown>).filter(([, value]) => value !== undefined);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
