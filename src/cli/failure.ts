/**
 * Exit codes, and how a failure is told: `error CODE: message`, then its particulars one a line, then
 * what to do. A stack is shown only where it helps: for a defect of Coterie, or with --verbose.
 */
import { PROBLEMS_MAX } from '../core/catalog/problem.ts';
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
  const told = error.message.split('\n').map(visible);
  const problems = problemLines(error.details.problems);
  // The problems are the message: it shows the first of them, each on a line.
  const isAllProblems = problems.length > 1 && problems[0] === told[0];
  const lines = isAllProblems
    ? [`error ${error.code}: ${problemCount(problems.length)}`]
    : told.map((line, i) => (i === 0 ? `error ${error.code}: ${line}` : `  ${line}`));
  const shown = isAllProblems ? problems : problems.filter((line) => line !== told[0]);
  lines.push(...shown.map((line) => `  - ${line}`));
  lines.push(`  ${error.remedy}`);
  if (verbose || error.code === 'INTERNAL' || error.code === 'ENGINE_FAILED') {
    if (Object.keys(error.details).length > 0) lines.push(`details: ${JSON.stringify(error.details)}`);
    lines.push(error.stack ?? '');
    if (error.cause instanceof Error) lines.push(`caused by: ${error.cause.stack ?? error.cause.message}`);
  }
  return lines;
}

/** A line for each problem of a list whose entries are texts or have a message. */
function problemLines(problems: unknown): string[] {
  if (!Array.isArray(problems)) return [];
  return problems.slice(0, PROBLEMS_MAX).map((problem: unknown) => {
    if (typeof problem === 'string') return visible(problem);
    const { message } = problem as { message?: unknown };
    return visible(typeof message === 'string' ? message : JSON.stringify(problem));
  });
}

/** Problems are looked for up to so many. */
function problemCount(count: number): string {
  return count < PROBLEMS_MAX ? `${count} problems` : `the first ${PROBLEMS_MAX} problems; there may be more`;
}
