/** What an engine keeps of customers whose facts were erased. */

export interface Erasure {
  /** Never given again. */
  readonly customerNo: number;
  /** The batch that stands for the erasure. */
  readonly batchNo: number;
  /** The id, until `settleErasures`: what is served finds the customer by it. */
  readonly customerId?: string;
  /** Whether something outside of the facts may still hold the customer. */
  readonly isPending: boolean;
}
