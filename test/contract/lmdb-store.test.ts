/** The LMDB driver, held to the contract of the store port. What only this driver promises: lmdb-folder.test.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import type { Store } from '../../src/store/store.ts';
import { type StorePlace, storeContract } from './store-contract.ts';
import { storeTickContract } from './store-tick-contract.ts';

const open = async (): Promise<StorePlace> => {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-lmdb-'));
  const opened: Store[] = [];
  const openAnother = async () => {
    const store = await openLmdbStore({ folder });
    opened.push(store);
    return store;
  };
  return {
    openAnother,
    store: await openAnother(),
    async close() {
      for (const store of opened) await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

storeContract('LMDB', open);
storeTickContract('LMDB', open);
