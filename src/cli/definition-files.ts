/** Finds and reads files of definitions, in the order of their names, so that a run can be repeated. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Config } from '../config/option-table.ts';
import { CoterieError } from '../model/error.ts';
import type { Definition } from '../model/segment.ts';
import type { Parts } from './parts.ts';

type Format = 'yaml' | 'json' | 'ndjson';

const FORMATS: Readonly<Record<string, Format>> = {
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.json': 'json',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
};

/**
 * Reads all definitions from files, folders (with those below them) and `-`, standard input.
 *
 * @throws {CoterieError} `IMPORT_FILE_UNREADABLE` for a path that cannot be read or holds no
 *   definitions; `DEFINITION_SYNTAX`, `DEFINITION_INVALID` and their like for what stands in it.
 */
export async function readDefinitionFiles(
  paths: readonly string[],
  { parts, config }: { readonly parts: Pick<Parts, 'readDefinitions'>; readonly config: Config },
): Promise<Definition[]> {
  const definitions: Definition[] = [];
  for (const path of paths) {
    for (const file of path === '-' ? ['-'] : await filesAt(path)) {
      const content = file === '-' ? await text(process.stdin) : await readText(file);
      const name = file === '-' ? 'standard input' : file;
      definitions.push(
        ...(await parts.readDefinitions(config, content, {
          file: name,
          format: FORMATS[extname(file)] ?? 'yaml',
        })),
      );
    }
  }
  return definitions;
}

async function filesAt(path: string): Promise<string[]> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    throw unreadable(path, error);
  }
  if (!isFolder) return [path];
  const names = (await readdir(path, { recursive: true })).filter((name) => extname(name) in FORMATS).sort();
  if (names.length === 0) {
    throw new CoterieError(
      'IMPORT_FILE_UNREADABLE',
      `${path} holds no definitions: expected files that end in ${Object.keys(FORMATS).join(', ')}`,
      { file: path },
    );
  }
  return names.map((name) => join(path, name));
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): CoterieError {
  const { code, message } = error as NodeJS.ErrnoException;
  const said = code === 'ENOENT' ? `${file} does not exist` : `${file} cannot be read: ${message}`;
  return new CoterieError('IMPORT_FILE_UNREADABLE', said, { file }, { cause: error });
}
