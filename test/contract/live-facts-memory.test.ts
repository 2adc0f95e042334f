import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { liveFactsContract } from './live-facts-contract.ts';
import { liveFactsScoreContract } from './live-facts-score-contract.ts';

const open = async () => ({ engine: new MemoryEngine(), compact: async () => {} });
liveFactsContract('memory', open);
liveFactsScoreContract('memory', open);
