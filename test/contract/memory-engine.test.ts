import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { engineContract } from './engine-contract.ts';

engineContract('memory', async () => new MemoryEngine());
