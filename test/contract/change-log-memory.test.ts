/** The in-memory oracle, held to the contract of the change-log port. */
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import { changeLogContract } from './change-log-contract.ts';

changeLogContract('a list in memory', async () => {
  const log = openMemoryChangeLog();
  return { log, close: () => log.close() };
});
