/** Imports a file of facts as one batch: all of it, or nothing. */
import { CoterieError } from '../../../model/error.ts';
import type { ImportReport, ImportRequest, Progress } from '../engine.ts';
import type { DuckDbDatabase } from './database.ts';

/** See `Engine.importFile`. */
export async function importFile(
  _database: DuckDbDatabase,
  request: ImportRequest,
  _progress: Progress,
): Promise<ImportReport> {
  throw new CoterieError('IMPORT_FILE_UNREADABLE', `${request.file}: files cannot be imported yet`);
}
