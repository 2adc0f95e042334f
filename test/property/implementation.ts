/**
 * The implementations of a membership that must agree: (facts, rules, moment) → who is in what. A new one
 * is a new entry of `IMPLEMENTATIONS`.
 */
import type { DuckDbDatabase } from '../../src/core/engine/duckdb/database.ts';
import { evaluateNaive } from '../../src/core/evaluate/naive.ts';
import { segmentSql } from '../../src/core/verify/segment-sql.ts';
import type { Rule } from '../../src/model/rule.ts';
import type { Knowledge } from './arbitrary/world.ts';

export interface Question {
  /** What is known, reconciled without an engine. */
  readonly knowledge: Knowledge;
  /** The same facts in the tables. */
  readonly database: DuckDbDatabase;
  /** The batch after which is asked; absent: the last. */
  readonly knownAt?: number;
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

const sql: Implementation = {
  name: 'one SQL query per segment on DuckDB',
  async members({ database, knownAt, rules, moment }) {
    const members = new Set<string>();
    const known = knownAt === undefined ? {} : { knownAt };
    const ids = new Map<number, string>();
    for (const row of await database.rows<{ no: number; id: string }>(
      'SELECT customer_no AS no, customer_id AS id FROM customer',
    )) {
      ids.set(row.no, row.id);
    }
    for (const [i, rule] of rules.entries()) {
      const query = segmentSql(rule, { dialect: 'duckdb', moment, ...known });
      const found = await database.rows<{ customer_no: number }>(query.sql, query.params);
      for (const row of found) members.add(memberKey(i, ids.get(row.customer_no)!));
      if (found.length !== new Set(found.map((row) => row.customer_no)).size) {
        members.add(memberKey(i, 'a customer twice'));
      }
    }
    return members;
  },
};

export const IMPLEMENTATIONS: readonly Implementation[] = [naive, sql];
