/**
 * Makes what is kept outside of the facts forget erased customers, where no tick does: before ticks begin,
 * and where they do not go on. Doing it again changes nothing, so a kill at any moment is made good by the
 * next time.
 */
import type { MembershipTarget } from '../../model/membership.ts';
import type { ChangeLog } from '../change/change-log.ts';
import type { Engine } from '../engine/engine.ts';

/** Forgets customers, by id, wherever else they are kept: letters that wait to be delivered. Doing it again changes nothing. */
export type ForgetElsewhere = (customerIds: readonly string[]) => Promise<void>;

/**
 * Forgets all who are pending. What is served stays as of its moment, without them.
 *
 * @param parts.changes - Absent where the log is not open: whoever opens it next forgets them there.
 */
export async function forgetErased(parts: {
  readonly engine: Engine;
  readonly target: MembershipTarget;
  readonly changes?: ChangeLog | undefined;
  readonly forgetElsewhere?: ForgetElsewhere | undefined;
}): Promise<void> {
  const { engine, target, changes, forgetElsewhere } = parts;
  const pending = (await engine.erasures(0)).filter((erasure) => erasure.isPending);
  if (pending.length === 0) return;
  for (const { customerNo } of pending) await changes?.forget(customerNo);
  const asOf = target.asOf();
  // What reflects the erasure does not hold the customer: whoever has the id there was readmitted.
  const ids = pending.flatMap(({ customerId, batchNo }) =>
    customerId !== undefined && asOf !== undefined && batchNo > asOf.batchNo ? [customerId] : [],
  );
  if (ids.length > 0) await forgetElsewhere?.(ids);
  if (asOf && ids.length > 0) await target.apply({ asOf, forgottenCustomers: ids });
  const last = Math.max(...pending.map(({ batchNo }) => batchNo));
  await engine.settleErasures(last, changes ? 'all' : 'ids');
}
