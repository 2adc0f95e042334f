/** The oracle's record of models: their versions, and which of them was in force after which batch. */
import { compareBytes } from '../../../model/utf8.ts';
import type { ModelState } from '../engine.ts';

interface Version {
  readonly model: string;
  readonly version: string;
  readonly nameNo: number;
}

export class MemoryModels {
  readonly #nextNameNo: () => number;
  readonly #versions: Version[] = [];
  readonly #activations: { readonly model: string; readonly version: string; readonly batchNo: number }[] =
    [];

  /** @param nextNameNo - Gives the next number of a name. */
  constructor(nextNameNo: () => number) {
    this.#nextNameNo = nextNameNo;
  }

  /** Takes a version in if it is not known; the first of a model is in force at once. */
  know(model: string, version: string, batchNo: number): void {
    const versions = this.#versions.filter((known) => known.model === model);
    if (versions.some((known) => known.version === version)) return;
    this.#versions.push({ model, version, nameNo: this.#nextNameNo() });
    if (versions.length === 0) this.activate(model, version, batchNo);
  }

  activate(model: string, version: string, batchNo: number): void {
    this.#activations.push({ model, version, batchNo });
  }

  /** The version in force after a batch, and the batch that put it in force. */
  inForce(
    model: string,
    knownAt: number,
  ): { readonly version: string; readonly batchNo: number } | undefined {
    return this.#activations.findLast((row) => row.model === model && row.batchNo <= knownAt);
  }

  /** Whether scores of a version count after a batch. */
  isInForce(
    { model, version }: { readonly model: string; readonly version: string },
    knownAt: number,
  ): boolean {
    return this.inForce(model, knownAt)?.version === version;
  }

  nameNo(model: string, version: string): number {
    return this.#versions.find((known) => known.model === model && known.version === version)!.nameNo;
  }

  /** Model → name number of the version in force after a batch. */
  numbersInForce(knownAt: number): Map<string, number> {
    const numbers = new Map<string, number>();
    for (const { model } of this.#versions) {
      const inForce = this.inForce(model, knownAt);
      if (inForce !== undefined) numbers.set(model, this.nameNo(model, inForce.version));
    }
    return numbers;
  }

  /** @param scores - How many customers have a score of a version. */
  states(scores: (model: string, version: string) => number): ModelState[] {
    const models = [...new Set(this.#versions.map(({ model }) => model))].sort(compareBytes);
    return models.map((model) => ({
      model,
      versions: this.#versions
        .filter((known) => known.model === model)
        .map(({ version }) => {
          const last = this.#activations.findLast((row) => row.model === model && row.version === version);
          return {
            version,
            scores: scores(model, version),
            isInForce: this.isInForce({ model, version }, Number.POSITIVE_INFINITY),
            ...(last === undefined ? {} : { activatedBatchNo: last.batchNo }),
          };
        }),
    }));
  }
}
