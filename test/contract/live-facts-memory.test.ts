import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { liveFactsContract } from './live-facts-contract.ts';

liveFactsContract('memory', async () => ({ engine: new MemoryEngine(), compact: async () => {} }));
