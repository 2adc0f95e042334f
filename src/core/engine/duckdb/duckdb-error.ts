/**
 * Translates what DuckDB and the file system throw into the catalogue's errors, at the driver's edge, so
 * that no caller ever reads DuckDB's words to decide anything.
 */
import { CoterieError } from '../../../model/error.ts';

const STATEMENT_SHOWN_MAX = 160;

/** An error of DuckDB or of the file system as a `CoterieError`; one that already is one stays as it is. */
export function translateError(error: unknown, folder: string, statement = ''): CoterieError {
  if (error instanceof CoterieError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const cause = { cause: error };
  if (code === 'ENOSPC' || /no space left|disk (?:is )?full|ENOSPC|max_temp_directory_size/i.test(message)) {
    return new CoterieError(
      'DISK_FULL',
      `the disk of ${folder} is full: ${firstLine(message)}`,
      { folder },
      cause,
    );
  }
  if (/could not set lock/i.test(message)) {
    const pid = /PID (\d+)/.exec(message)?.[1];
    const holder = pid === undefined ? 'another process' : `process ${pid}`;
    const details = pid === undefined ? { folder } : { folder, pid: Number(pid) };
    return new CoterieError('DATA_FOLDER_LOCKED', `${folder} is held open by ${holder}`, details, cause);
  }
  if (/database file with version number|storage version/i.test(message)) {
    const details = { folder };
    return new CoterieError('DATA_FOLDER_NEWER', `${folder}: ${firstLine(message)}`, details, cause);
  }
  if (
    /not a valid DuckDB database|corrupt|checksum|failed to deserialize|WAL (?:file|version)/i.test(message)
  ) {
    const details = { folder };
    return new CoterieError('DATA_FOLDER_CORRUPT', `${folder}: ${firstLine(message)}`, details, cause);
  }
  if (
    (code !== undefined && UNWRITABLE.has(code)) ||
    /permission denied|read-only file system|is a directory|cannot open file .*coterie\.duckdb/i.test(message)
  ) {
    return new CoterieError(
      'DATA_FOLDER_UNWRITABLE',
      `${folder} cannot be written: ${firstLine(message)}`,
      { folder },
      cause,
    );
  }
  const beginning = statement.replace(/\s+/g, ' ').trim().slice(0, STATEMENT_SHOWN_MAX);
  return new CoterieError(
    'ENGINE_FAILED',
    `${firstLine(message)}${beginning === '' ? '' : ` (in: ${beginning})`}`,
    { statement: beginning },
    cause,
  );
}

const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENOENT']);

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!;
}
