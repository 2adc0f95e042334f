/** Opens live facts for a test of their contract, and closes them. */
import { it } from 'node:test';
import type { Engine } from '../../src/core/engine/engine.ts';
import type { LiveFacts } from '../../src/core/engine/live-facts.ts';
import { readLive } from './live-facts-reading.ts';

/** An engine without facts, and a way to fold its tail in, where it has one; closed by the suite. */
export type OpenEngine = () => Promise<{ readonly engine: Engine; compact(): Promise<void> }>;

export interface Opened {
  readonly engine: Engine;
  readonly facts: LiveFacts;
  compact(): Promise<void>;
}

/** Defines tests that are given an engine without facts, and its live facts. */
export function liveFactsTest(open: OpenEngine) {
  return (sentence: string, body: (opened: Opened) => Promise<void>) =>
    it(sentence, async () => {
      const { engine, compact } = await open();
      const facts = await engine.openLiveFacts();
      try {
        await body({ engine, facts, compact });
      } finally {
        await facts.close();
        await engine.close();
      }
    });
}

export async function allCustomers(engine: Engine): Promise<Uint32Array> {
  return Uint32Array.from({ length: (await engine.counts()).customers }, (_, i) => i);
}

export async function readAll({ engine, facts }: Opened): ReturnType<typeof readLive> {
  return readLive(engine, facts, await allCustomers(engine));
}
