import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { catalogContract } from './catalog-contract.ts';

catalogContract('memory', async () => ({ catalog: new MemoryCatalog(), close: async () => {} }));
