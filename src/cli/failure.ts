/**
 * Exit codes, and how a failure is told: `error CODE: message`, then its particulars one a line, then
 * what to do. A stack is shown only where it helps: for a defect of Coterie, or with --verbose.
 */
import { CoterieError } from '../model/error.ts';
import { visible } from './words.ts';

/** What each exit code means; documented in help and in the reference. */
export const EXIT_CODES = {
  0: 'the work is done',
  1: 'the work failed',
  2: 'the command line or the configuration is wrong',
  3: 'the input is bad: a definition, a file of facts, a key, an id or a moment',
  4: 'not now: the port, the data folder or the disk is taken, a server does not answer, or nothing is calculated yet; trying again later can help',
  130: 'interrupted (Ctrl-C); nothing half-done is kept',
  143: 'told to stop (SIGTERM) before the work was done; nothing half-done is kept',
} as const;

export type ExitCode = keyof typeof EXIT_CODES;

/** Most problems told one by one. */
const PROBLEMS_SHOWN_MAX = 20;

/** The exit code for a failure. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof CoterieError)) return 1;
  if (error.code === 'CONFIG_INVALID') return 2;
  if (error.retry) return 4;
  return error.status < 500 ? 3 : 1;
}

/** The lines that tell a failure. */
export function describeFailure(error: unknown, verbose: boolean): string[] {
  if (!(error instanceof CoterieError)) {
    const thrown = error instanceof Error ? error : new Error(String(error));
    return [
      `error INTERNAL: ${thrown.message}`,
      '  This is a defect of Coterie: please report it with the lines below.',
      thrown.stack ?? '',
    ];
  }
  // Several problems come as several lines of the message.
  const [first = '', ...others] = error.message.split('\n').map(visible);
  const lines =
    others.length === 0
      ? [`error ${error.code}: ${first}`]
      : [
          `error ${error.code}: ${others.length + 1} problems`,
          ...[first, ...others].map((line) => `  - ${line}`),
        ];
  if (others.length === 0) lines.push(...describeProblems(error.details.problems, first));
  lines.push(`  ${error.remedy}`);
  if (verbose || error.code === 'INTERNAL' || error.code === 'ENGINE_FAILED') {
    if (Object.keys(error.details).length > 0) lines.push(`details: ${JSON.stringify(error.details)}`);
    lines.push(error.stack ?? '');
    if (error.cause instanceof Error) lines.push(`caused by: ${error.cause.stack ?? error.cause.message}`);
  }
  return lines;
}

/** One line a problem, of a list whose entries are texts or have a message; what was told already is left out. */
function describeProblems(problems: unknown, told: string): string[] {
  if (!Array.isArray(problems)) return [];
  const lines = problems
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map((problem: unknown) => {
      if (typeof problem === 'string') return visible(problem);
      const { message } = problem as { message?: unknown };
      return visible(typeof message === 'string' ? message : JSON.stringify(problem));
    })
    .filter((line) => line !== told)
    .map((line) => `  - ${line}`);
  if (problems.length > PROBLEMS_SHOWN_MAX)
    lines.push(`  … and ${problems.length - PROBLEMS_SHOWN_MAX} more`);
  return lines;
}
