/**
 * The implementations of a membership that must agree: (facts, rules, moment) → who is in what. A new one
 * is a new entry of `IMPLEMENTATIONS`.
 */
import assert from 'node:assert/strict';
import { compile } from '../../src/core/compile/compile.ts';
import type { DuckDbDatabase } from '../../src/core/engine/duckdb/database.ts';
import { openFactsInForce } from '../../src/core/engine/duckdb/facts-in-force.ts';
import { readMembers } from '../../src/core/engine/duckdb/members.ts';
import type { Engine, ScanRequest } from '../../src/core/engine/engine.ts';
import { Evaluator } from '../../src/core/evaluate/evaluate.ts';
import { evaluateNaive } from '../../src/core/evaluate/naive.ts';
import type { PluginAccumulators } from '../../src/core/evaluate/plugin-walker.ts';
import { segmentSql } from '../../src/core/verify/segment-sql.ts';
import type { Rule } from '../../src/model/rule.ts';
import { inWords, type Knowledge } from './arbitrary/world.ts';

/** Later than any batch. */
const LAST_BATCH = 0xffff_ffff;

export interface Question {
  /** What is known, reconciled without an engine. */
  readonly knowledge: Knowledge;
  /** The same facts in an engine, and the tables beneath it. */
  readonly engine: Engine;
  readonly database: DuckDbDatabase;
  /** The batch after which is asked; absent: the last. */
  readonly knownAt?: number;
  /** Each fact has one version and all is compacted, so that the SQL can be plainer. */
  readonly assumeCompacted?: boolean;
  /** Of the sources of plug-ins that rules look at. */
  readonly accumulators?: PluginAccumulators;
  readonly rules: readonly Rule[];
  readonly moment: number;
}

export interface Implementation {
  readonly name: string;
  /** The members, as `memberKey`: one for each rule and each known customer for whom it holds. */
  members(question: Question): Promise<Set<string>>;
}

export function memberKey(rule: number, customerId: string): string {
  return `rule ${rule}: ${customerId}`;
}

const naive: Implementation = {
  name: 'naive evaluator',
  async members({ knowledge, rules, moment }) {
    const members = new Set<string>();
    for (const [i, rule] of rules.entries()) {
      for (const [customerId, facts] of knowledge.customers) {
        if (evaluateNaive(rule, facts, moment, knowledge.stores)) members.add(memberKey(i, customerId));
      }
    }
    return members;
  },
};

async function customerIds(database: DuckDbDatabase): Promise<Map<number, string>> {
  const rows = await database.rows<{ no: number; id: string }>(
    'SELECT customer_no AS no, customer_id AS id FROM customer',
  );
  return new Map(rows.map(({ no, id }) => [no, id]));
}

const sql: Implementation = {
  name: 'one SQL query per segment on DuckDB',
  async members({ database, knownAt, assumeCompacted = false, rules, moment }) {
    const members = new Set<string>();
    const known = knownAt === undefined ? {} : { knownAt };
    const ids = await customerIds(database);
    for (const [i, rule] of rules.entries()) {
      const query = segmentSql(rule, { dialect: 'duckdb', moment, assumeCompacted, ...known });
      const found = await database.rows<{ customer_no: number }>(query.sql, query.params);
      for (const row of found) members.add(memberKey(i, ids.get(row.customer_no)!));
      if (found.length !== new Set(found.map((row) => row.customer_no)).size) {
        members.add(memberKey(i, 'a customer twice'));
      }
    }
    return members;
  },
};

/** As verification asks many queries: over facts reconciled once, of all customers and of some. */
const reconciled: Implementation = {
  name: 'one SQL query per segment on DuckDB over facts in force',
  async members({ database, knownAt = LAST_BATCH, rules, moment }) {
    const members = new Set<string>();
    const ids = await customerIds(database);
    const known = await database.rows<{ no: number }>(
      'SELECT customer_no AS no FROM customer WHERE batch_no <= $1',
      [knownAt],
    );
    const numbers = known.map(({ no }) => no);
    const asOf = { moment, batchNo: knownAt, catalogNo: 0, calculationNo: 0 };
    const some = numbers.filter((no) => no % 2 === 1);
    for (const customers of [undefined, Uint32Array.from(some)]) {
      const oracle = await openFactsInForce(database, { asOf, ...(customers ? { customers } : {}) });
      const found = await Promise.all(rules.map((rule) => oracle.members(rule)));
      await oracle.close();
      for (const [i, { customerNos, isComplement }] of found.entries()) {
        const listed = new Set(customerNos);
        for (const no of customers ? some : numbers) {
          const key = memberKey(i, ids.get(no)!);
          const isMember = listed.has(no) !== isComplement;
          // Asked about some, the answer is that about all, and nobody else is named.
          if (customers && members.has(key) !== isMember) members.add(`${key}, asked about some`);
          if (isMember) members.add(key);
        }
        if (customers && [...listed].some((no) => no % 2 === 0)) members.add(`a stranger to rule ${i}`);
      }
    }
    return members;
  },
};

const inEngine: Implementation = {
  name: 'one rule inside DuckDB, over tables as they lie',
  async members({ database, knownAt, rules, moment }) {
    const members = new Set<string>();
    const known = knownAt === undefined ? {} : { knownAt };
    const ids = await customerIds(database);
    for (const [i, rule] of rules.entries()) {
      const { size, customerNos } = await readMembers(database, { rule, moment, ...known });
      for (const no of customerNos) members.add(memberKey(i, ids.get(no)!));
      if (size !== new Set(customerNos).size) members.add(memberKey(i, 'a customer twice'));
    }
    return members;
  },
};

/** A scan of everything, in small batches, so that there are several. */
const fast: Implementation = {
  name: 'compiled plan over one scan',
  members: (question) => evaluateCompiled(question, [{ batchOrders: 16 }]),
};

/** As a tick reads them: customers by number, listed with gaps, and a range. */
const listed: Implementation = {
  name: 'compiled plan over scans of listed customers',
  async members(question) {
    const numbers = [...(await customerIds(question.database)).keys()].sort((a, b) => a - b);
    const half = numbers.length >> 1;
    const [lower, upper] = [numbers.slice(0, half), numbers.slice(half)];
    const parts = [lower.filter((no) => no % 2 === 0), lower.filter((no) => no % 2 === 1), upper];
    return evaluateCompiled(
      question,
      parts.map((part) => ({ customers: Uint32Array.from(part) })),
    );
  },
};

async function evaluateCompiled(
  { knowledge, engine, database, knownAt, accumulators, rules, moment }: Question,
  scans: readonly Omit<ScanRequest, 'columns'>[],
): Promise<Set<string>> {
  const segments = rules.map((rule, i) => {
    const key = `rule-${i}`;
    // Numbers with gaps, in another order than the rules: the plan sorts them.
    return { segmentNo: (rules.length - i) * 7, key, definition: { key, type: 'rule' }, rule };
  });
  const known = knownAt === undefined ? {} : { knownAt };
  const stores = await engine.storeTable(knownAt);
  const plan = await compile({ segments, stores, dictionary: await engine.dictionary(knownAt) });
  const evaluator = new Evaluator(plan, moment, accumulators);
  const ids = await customerIds(database);
  const exceptions = new Set<string>();
  for (const scan of scans) {
    for await (const batch of engine.scan({ columns: plan.columns, ...known, ...scan })) {
      evaluator.evaluate(batch, (customerNo, found, count) => {
        for (const no of found.subarray(0, count)) exceptions.add(`${no} ${ids.get(customerNo)}`);
      });
      batch.release();
    }
  }
  const members = new Set<string>();
  for (const [place, no] of plan.segmentNos.entries()) {
    for (const customerId of knowledge.customers.keys()) {
      const isException = exceptions.delete(`${no} ${customerId}`);
      if (isException !== (plan.defaults[place] === 1)) {
        members.add(memberKey(rules.length - no / 7, customerId));
      }
    }
  }
  for (const stranger of exceptions) members.add(`exception of a stranger: ${stranger}`);
  return members;
}

export const IMPLEMENTATIONS: readonly Implementation[] = [naive, fast, listed, sql, reconciled, inEngine];

/**
 * The members that all implementations agree on, as `memberKey`. A difference is told as one rule and one
 * customer.
 */
export async function agreedMembers(question: Question): Promise<Set<string>> {
  const [reference, ...others] = IMPLEMENTATIONS;
  const expected = await reference!.members(question);
  for (const other of others) {
    const found = await other.members(question);
    const differs = [...found, ...expected].find((key) => found.has(key) !== expected.has(key));
    if (differs === undefined) continue;
    const says = `${other.name}: ${found.has(differs)}, ${reference!.name}: ${expected.has(differs)}`;
    assert.fail(`${says}\n${membershipInWords(differs, question)}`);
  }
  return expected;
}

function membershipInWords(key: string, { knowledge, knownAt, rules, moment }: Question): string {
  for (const [i, rule] of rules.entries()) {
    for (const [customerId, facts] of knowledge.customers) {
      if (memberKey(i, customerId) !== key) continue;
      return (
        `moment ${moment}, known at ${knownAt ?? 'the end'}\nrule ${JSON.stringify(rule)}\n` +
        `facts ${inWords(facts)}\nstores ${JSON.stringify([...knowledge.stores.values()])}`
      );
    }
  }
  return `of nobody who is known: ${key}`;
}
