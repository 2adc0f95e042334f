/** A process that imports files one after the other, and says so after each; the kill test's victim. */
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';

const [folder, ...files] = process.argv.slice(2);
const engine = new DuckDbEngine(await openDatabase({ folder: folder!, memoryMiB: 512 }));
process.stdout.write('open\n');
for (const file of files) {
  const report = await engine.importFile({ source: 'orders', file, map: {}, strict: false });
  process.stdout.write(`imported ${report.batchNo}\n`);
}
await engine.close();
