/** The file of rows that were set aside while a file was sent to a server, in the form that an import gives it. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { csvRow, REJECTS_HEADER } from '../core/ingest/rejects-csv.ts';
import { makeFolder } from '../core/make-folder.ts';
import { CoterieError } from '../model/error.ts';

/** A row that was set aside. */
export interface Reject {
  /** On which it begins, from 1. */
  readonly line: number;
  readonly reason: string;
  readonly text: string;
}

/** Writes beside the file's place, and moves it there at the end, so that no half of it is ever seen. */
export class RejectsWriter {
  readonly #path: string;
  #handle: FileHandle | undefined;

  /** Makes nothing before the first row. */
  constructor(path: string) {
    this.#path = path;
  }

  /** @throws {CoterieError} `DISK_FULL`. */
  async add(rejects: readonly Reject[]): Promise<void> {
    if (rejects.length === 0) return;
    const rows = rejects.map(({ line, reason, text }) => csvRow([line, reason, text])).join('');
    try {
      if (this.#handle === undefined) {
        await makeFolder(dirname(this.#path));
        this.#handle = await open(this.#unfinished, 'w');
        await this.#handle.appendFile(REJECTS_HEADER);
      }
      await this.#handle.appendFile(rows);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** @returns Where the file is; undefined if no row was set aside. */
  async close(): Promise<string | undefined> {
    if (this.#handle === undefined) return undefined;
    await this.#handle.close();
    await rename(this.#unfinished, this.#path);
    return this.#path;
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await this.#handle?.close().catch(() => {});
    if (this.#handle !== undefined) await rm(this.#unfinished, { force: true });
  }

  get #unfinished(): string {
    return `${this.#path}.unfinished`;
  }

  #failed(error: unknown): unknown {
    const { code, message } = error as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    return new CoterieError(
      isFull ? 'DISK_FULL' : 'CONFIG_INVALID',
      `${this.#path}, for rows that are set aside, cannot be written: ${message}`,
      { option: 'rejects', path: this.#path },
      { cause: error },
    );
  }
}
