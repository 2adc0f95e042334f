/**
 * The walk-throughs on real order histories, by the real program, held to published figures and to counts
 * made here straight from the files. Left out, loudly, where the histories are not on this machine.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { coterie, coterieJson, temporaryFolder } from './coterie-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const histories = join(root, '../shared/data');
const skip = existsSync(histories) ? false : `the real order histories are not at ${histories}`;
if (skip) console.error(`SKIPPED: ${skip}`);

const { folder, remove } = temporaryFolder();
after(remove);

const walkthrough = (name: string) => join(root, 'examples/walkthrough', name);
const history = (name: string) => join(histories, `${name}.csv.gz`);

/** Rows of one of the histories as records; none of them quotes a field. */
function readRows(name: string): Record<string, string>[] {
  const [header = '', ...lines] = gunzipSync(readFileSync(history(name)))
    .toString('utf8')
    .trim()
    .split(/\r?\n/);
  const fields = header.split(',');
  return lines.map((line) => {
    const values = line.split(',');
    return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? '']));
  });
}

test('CDNOW: 11,908 customers with exactly one order, 3,301 with one in the last 90 days', {
  skip,
}, async () => {
  const data = ['--data', join(folder, 'cdnow')];
  const imported = await coterieJson(['import', history('cdnow_orders'), '--as', 'orders', ...data]);
  assert.deepEqual([imported.rows, imported.added, imported.rejected], [69_659, 69_659, 0]);
  await coterieJson(['apply', walkthrough('cdnow.yaml'), ...data]);
  const calculated = await coterieJson(['calculate', '--at', '1998-06-30T00:00:00Z', ...data]);
  assert.equal(calculated.customers, 23_570);
  assert.equal((await coterieJson(['size', 'exactly-one-order', ...data])).size, 11_908);
  assert.equal((await coterieJson(['size', 'ordered-within-90d', ...data])).size, 3_301);
});

const MOMENT = '2018-02-05T00:00:00Z';
const MOMENT_S = Date.parse(MOMENT) / 1000;
const DAY_S = 86_400;

interface Order {
  readonly customer: string;
  readonly store: string;
  readonly at: number;
  readonly total: number;
  readonly discount: number;
}

test('The Complete Journey: a thousand segments of three families, and rules over demographics', {
  skip,
}, async () => {
  const data = ['--data', join(folder, 'journey')];
  for (const name of ['cj_orders_2017_line_sample', 'cj_orders_3weeks_complete']) {
    const report = await coterieJson(['import', history(name), '--as', 'orders', ...data]);
    assert.equal(report.rejected, 0);
  }
  await coterieJson(['import', history('cj_demographics'), '--as', 'customers', ...data]);
  await coterieJson(['apply', walkthrough('complete-journey.yaml'), ...data]);
  const calculated = await coterieJson(['calculate', '--at', MOMENT, ...data]);

  const orders = ['cj_orders_2017_line_sample', 'cj_orders_3weeks_complete'].flatMap(readRows).map(
    (row): Order => ({
      customer: row.customer_id!,
      store: row.store_id!,
      at: Math.floor(Date.parse(row.ordered_at!) / 1000),
      total: Math.round(Number(row.total) * 10_000),
      discount: Number(row.discount),
    }),
  );
  const people = readRows('cj_demographics');
  const customers = new Set([
    ...orders.map(({ customer }) => customer),
    ...people.map((row) => row.customer_id!),
  ]);
  const stores = [...new Set(orders.map(({ store }) => store))].sort();
  assert.equal(calculated.customers, customers.size);
  assert.equal(calculated.segments, stores.length * 3 + 6);

  const until = orders.filter(({ at }) => at <= MOMENT_S);
  const within = (days: number) => until.filter(({ at }) => at > MOMENT_S - days * DAY_S);
  await familiesAgree(data, { customers: customers.size, stores, until, within });
  await rulesAgree(data, { customers, people, until, within });
});

interface Known {
  readonly until: readonly Order[];
  readonly within: (days: number) => readonly Order[];
}

/** The sizes of all instances of the three families. */
async function familiesAgree(
  data: readonly string[],
  known: Known & { readonly customers: number; readonly stores: readonly string[] },
): Promise<void> {
  const buyers = (orders: readonly Order[]) => {
    const byStore = new Map<string, Map<string, number>>();
    for (const { store, customer } of orders) {
      const counts = byStore.get(store) ?? new Map<string, number>();
      byStore.set(store, counts.set(customer, (counts.get(customer) ?? 0) + 1));
    }
    return (store: string) => byStore.get(store) ?? new Map<string, number>();
  };
  const [ever, month, twoMonths] = [known.until, known.within(30), known.within(60)].map(buyers) as [
    ReturnType<typeof buyers>,
    ReturnType<typeof buyers>,
    ReturnType<typeof buyers>,
  ];
  const expected: Record<string, (store: string) => number> = {
    'new-at': (store) => known.customers - ever(store).size,
    'recurrent-at': (store) => [...month(store).values()].filter((count) => count >= 2).length,
    'inactive-at': (store) =>
      [...ever(store).keys()].filter((customer) => !twoMonths(store).has(customer)).length,
  };
  for (const [family, sizeOf] of Object.entries(expected)) {
    const keys = known.stores.map((store) => `${family}@${store}`);
    const { code, stdout, stderr } = await coterie(['size', ...keys, '--json', ...data]);
    assert.equal(code, 0, stderr);
    const sizes = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string; size: number });
    assert.deepEqual(
      sizes.map(({ key, size }) => [key, size]),
      known.stores.map((store) => [`${family}@${store}`, sizeOf(store)]),
    );
  }
}

async function rulesAgree(
  data: readonly string[],
  known: Known & {
    readonly customers: ReadonlySet<string>;
    readonly people: readonly Record<string, string>[];
  },
): Promise<void> {
  const tally = (orders: readonly Order[], add: (order: Order) => number) => {
    const sums = new Map<string, number>();
    for (const order of orders) sums.set(order.customer, (sums.get(order.customer) ?? 0) + add(order));
    return sums;
  };
  const count3w = tally(known.within(21), () => 1);
  const paid3w = tally(known.within(21), ({ total }) => total);
  const discounts3w = tally(known.within(21), ({ discount }) => (discount > 0 ? 1 : 0));
  const count5w = tally(known.within(35), () => 1);
  const trait = new Map(known.people.map((row) => [row.customer_id!, row]));
  const isLarge = (customer: string) => ['3', '4', '5+'].includes(trait.get(customer)?.household_size ?? '');
  const rules: Record<string, (customer: string) => boolean> = {
    'young-regulars': (customer) =>
      ['19-24', '25-34'].includes(trait.get(customer)?.age ?? '') && (count3w.get(customer) ?? 0) >= 4,
    'large-households': isLarge,
    'families-that-spend': (customer) => isLarge(customer) && (paid3w.get(customer) ?? 0) >= 200 * 10_000,
    'never-a-discount': (customer) => count3w.has(customer) && discounts3w.get(customer) === 0,
    'unknown-homes': (customer) => !trait.has(customer),
    'homeowners-who-left': (customer) =>
      ['Homeowner', 'Probable Owner'].includes(trait.get(customer)?.homeowner ?? '') &&
      !count5w.has(customer),
  };
  for (const [key, holds] of Object.entries(rules)) {
    const expected = [...known.customers].filter(holds).sort();
    assert.ok(expected.length > 0, `${key} has members`);
    const { code, stdout, stderr } = await coterie(['members', key, ...data]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(stdout.trim().split('\n').sort(), expected, key);
  }
}
