/** The in-memory oracle, held to the contract of the store port. */
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { storeContract } from './store-contract.ts';

storeContract('maps in memory', async () => {
  const store = openMemoryStore();
  return { store, close: () => store.close() };
});
