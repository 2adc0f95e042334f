/**
 * Real facts of a grocery chain and of a shop, where they are on this machine: baskets, households, which
 * campaign aimed at whom, and who redeemed its coupons.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parseAmountE4 } from '../../src/model/amount.ts';
import type { EventFact, OrderFact, TraitFact } from '../../src/model/fact.ts';
import { parseMoment } from '../../src/model/time.ts';

const histories = fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** Why tests over these facts are left out, or false. */
export const skip = existsSync(histories) ? false : `the real order histories are not at ${histories}`;

/** Where one of the histories is. */
export function historyFile(name: string): string {
  return join(histories, `${name}.csv.gz`);
}

export function readOrders(name: string): OrderFact[] {
  return readRows(name).map((row) => ({
    customerId: row.customer_id!,
    orderId: row.order_id!,
    ...(row.store_id === '' ? {} : { storeId: row.store_id! }),
    orderedAt: parseMoment(row.ordered_at!),
    totalE4: parseAmountE4(row.total!),
    discountE4: parseAmountE4(row.discount || '0'),
    currency: row.currency!,
    status: 'completed',
  }));
}

export function readDemographics(): TraitFact[] {
  return readRows('cj_demographics').flatMap(({ customer_id = '', ...row }) =>
    Object.entries(row).flatMap(([name, value]): TraitFact[] =>
      value === '' ? [] : [{ customerId: customer_id, name, value }],
    ),
  );
}

/** `targeted`, when a campaign began, and `redeemed`, each with the campaign; both at midnight, UTC. */
export function readCampaignEvents(): EventFact[] {
  const startOf = new Map(readRows('cj_campaigns').map((row) => [row.campaign_id, row.start_date!]));
  const targeted = readRows('cj_campaign_customers').map(
    ({ campaign_id: campaign = '', customer_id = '', campaign_type: type = '' }): EventFact => ({
      customerId: customer_id,
      eventId: `targeted ${campaign}`,
      name: 'targeted',
      occurredAt: parseMoment(startOf.get(campaign)!),
      properties: { campaign, type },
    }),
  );
  const redeemed = readRows('cj_coupon_redemptions').map(
    (
      { customer_id = '', campaign_id: campaign = '', coupon_upc: coupon = '', redeemed_on = '' },
      i,
    ): EventFact => ({
      customerId: customer_id,
      eventId: `redeemed ${i}`,
      name: 'redeemed',
      occurredAt: parseMoment(redeemed_on),
      properties: { campaign, coupon },
    }),
  );
  return [...targeted, ...redeemed];
}

/** Rows of one of the histories as records; none of them quotes a field. */
function readRows(name: string): Record<string, string>[] {
  const [header = '', ...lines] = gunzipSync(readFileSync(historyFile(name)))
    .toString('utf8')
    .trim()
    .split(/\r?\n/);
  const fields = header.split(',');
  return lines.map((line) => {
    const values = line.split(',');
    return Object.fromEntries(fields.map((field, i) => [field, values[i] ?? '']));
  });
}
