/** The in-memory oracle, held to the contract of the store port. */
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { type StorePlace, storeContract } from './store-contract.ts';
import { storeTickContract } from './store-tick-contract.ts';

const open = async (): Promise<StorePlace> => {
  const store = openMemoryStore();
  return { store, close: () => store.close() };
};

storeContract('maps in memory', open);
storeTickContract('maps in memory', open);
