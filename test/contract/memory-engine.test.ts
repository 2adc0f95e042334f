import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { engineContract } from './engine-contract.ts';
import { engineEventContract } from './engine-event-contract.ts';
import { enginePopulationContract } from './engine-population-contract.ts';
import { engineScoreContract } from './engine-score-contract.ts';

const open = async () => new MemoryEngine();

engineContract('memory', open);
engineEventContract('memory', open);
engineScoreContract('memory', open);
enginePopulationContract('memory', open);
