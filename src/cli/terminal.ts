/**
 * Standard output and standard error of one command. Output carries the answer and nothing else, so that
 * `--json` can be piped; progress, notes and errors go to standard error. A reader that goes away
 * (`| head`) ends the command quietly.
 */
import { once } from 'node:events';

export class Terminal {
  readonly #output: NodeJS.WriteStream;
  readonly #errors: NodeJS.WriteStream;
  /** Whether standard error is a screen on which lines can be redrawn. */
  readonly interactive: boolean;

  constructor(output: NodeJS.WriteStream, errors: NodeJS.WriteStream, plain: boolean) {
    this.#output = output;
    this.#errors = errors;
    this.interactive = errors.isTTY === true && !plain;
    for (const stream of [output, errors]) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EPIPE') process.exit(0);
        throw error;
      });
    }
  }

  /** Writes lines of the answer; waits when the reader is slower than the command. */
  async print(...lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    if (!this.#output.write(`${lines.join('\n')}\n`)) await once(this.#output, 'drain');
  }

  /** Writes one JSON document on one line. */
  printJson(value: unknown): Promise<void> {
    return this.print(JSON.stringify(value));
  }

  /** Writes lines that are not the answer: notes, warnings, what to do next. */
  note(...lines: readonly string[]): void {
    if (lines.length > 0) this.#errors.write(`${lines.join('\n')}\n`);
  }

  /** Where progress bars are drawn. */
  get errors(): NodeJS.WriteStream {
    return this.#errors;
  }

  /** Resolves when everything written has left this process. */
  async flush(): Promise<void> {
    await Promise.all(
      [this.#output, this.#errors].map(
        (stream) => new Promise<void>((done) => stream.write('', () => done())),
      ),
    );
  }
}
