/**
 * What others say of the customers of a simulated marketplace, as SQL: scores of a model `churn`, higher
 * the longer somebody was away, and two lists. Variables and macros: see `simulate-market.ts`.
 */
import { TRAIT_COUNT } from './simulate-customers.ts';

/** Names go on after those of the traits. */
const CHURN_NO = TRAIT_COUNT + 1;
const DO_NOT_CONTACT_NO = TRAIT_COUNT + 2;
const VIP_NO = TRAIT_COUNT + 3;

/** Nine customers in ten have a score, in thousandths; that of every fourth ends within weeks, or has ended. */
const INSERT_SCORES = `
INSERT INTO model_version VALUES (${CHURN_NO}, 'churn', '2026-02', 1);
INSERT INTO model_activation VALUES ('churn', ${CHURN_NO}, 1);
INSERT INTO score
WITH hashed AS (
  SELECT customer_no, orders, hash(xor(key, (5::UBIGINT << 40))) AS h,
    greatest(0, getvariable('sim_last_day') - (joined_day + active_days + lapse_days - 1)) AS away_days
  FROM sim_customer
)
SELECT customer_no, ${CHURN_NO},
  least(999, away_days * 3 + draw(h, 8, 450) + CASE WHEN orders <= 1 THEN 150 ELSE 0 END)::DOUBLE / 1000,
  CASE WHEN draw8(h, 24) < 64
    THEN greatest(0, least(4294967295, getvariable('sim_to') + 86400 * (draw(h, 32, 60) - 15)))::UINTEGER END, 1
FROM hashed WHERE draw8(h, 0) < 230 ORDER BY customer_no;
`;

/** One customer in forty is not to be written to; who orders three times as much as others is a VIP. */
const INSERT_LISTS = `
INSERT INTO list VALUES (${DO_NOT_CONTACT_NO}, 'do-not-contact', 1), (${VIP_NO}, 'vip', 1);
INSERT INTO list_entry
SELECT customer_no, ${DO_NOT_CONTACT_NO}, true, 1 FROM sim_customer
WHERE draw8(hash(xor(key, (6::UBIGINT << 40))), 0) < 6 ORDER BY customer_no;
INSERT INTO list_entry
SELECT customer_no, ${VIP_NO}, true, 1 FROM sim_customer
WHERE orders * getvariable('sim_customers') > 3 * getvariable('sim_orders') ORDER BY customer_no;
`;

/** After those of the customers. */
export const SCORE_STATEMENTS: readonly string[] = [INSERT_SCORES];
export const LIST_STATEMENTS: readonly string[] = [INSERT_LISTS];
