/**
 * Runs one command line to its exit code: parse, read the configuration, do the work, tell failures.
 * Ctrl-C and SIGTERM end a command at once unless it ends itself; what it was writing is a transaction
 * or is built beside what is served, so nothing half-done is kept.
 */
import { CommanderError } from 'commander';
import { plainOutputWanted, readConfig } from '../config/read-config.ts';
import type { CliCommand, Invocation } from './command.ts';
import { describeFailure, exitCodeOf } from './failure.ts';
import type { Parts } from './parts.ts';
import { buildProgram, type ParsedCall } from './program.ts';
import { ProgressDisplay } from './progress-display.ts';
import { Terminal } from './terminal.ts';

/** Conventional: 128 + the signal's number. */
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

export interface RunRequest {
  /** Without the names of the runtime and the script. */
  readonly argv: readonly string[];
  readonly commands: readonly CliCommand[];
  readonly parts: Parts;
  readonly version: string;
}

/** Runs the command line; never throws. Everything written has left the process when it resolves. */
export async function runCli(request: RunRequest): Promise<number> {
  const terminal = new Terminal(process.stdout, process.stderr, plainOutputWanted());
  const code = await parseAndRun(request, terminal);
  await terminal.flush();
  return code;
}

async function parseAndRun(request: RunRequest, terminal: Terminal): Promise<number> {
  let call: ParsedCall | undefined;
  const program = buildProgram({
    ...request,
    onCall: (parsed) => {
      call = parsed;
    },
  });
  try {
    if (request.argv.length === 0) {
      program.outputHelp();
      return 0;
    }
    program.parse([...request.argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.note(...describeFailure(error, false));
    return 1;
  }
  return call === undefined ? 0 : runCall(call, request, terminal);
}

async function runCall(call: ParsedCall, request: RunRequest, terminal: Terminal): Promise<number> {
  const progress = new ProgressDisplay(terminal);
  const stopping = new AbortController();
  let stoppedBy: StopSignal | undefined;
  const removeListeners = listenForSignals((signal) => {
    if (call.command.onStop === 'abort' && stoppedBy === undefined) {
      stoppedBy = signal;
      stopping.abort();
      return;
    }
    progress.stop();
    terminal.note(`stopped by ${signal}: nothing half-done is kept`);
    process.exit(SIGNAL_EXIT_CODES[signal]);
  });
  try {
    const config = readConfig({ flags: call.flags, file: call.configFile });
    const invocation: Invocation<unknown> = {
      args: call.args,
      options: call.options,
      config,
      flags: call.flags,
      configFile: call.configFile,
      json: call.json,
      verbose: call.verbose,
      version: request.version,
      terminal,
      progress,
      parts: request.parts,
      signal: stopping.signal,
    };
    await call.command.run(invocation);
    return 0;
  } catch (error) {
    progress.stop();
    if (stoppedBy !== undefined && (error as Error).name === 'AbortError') {
      terminal.note(`stopped by ${stoppedBy}: nothing half-done is kept`);
      return SIGNAL_EXIT_CODES[stoppedBy];
    }
    terminal.note(...describeFailure(error, call.verbose));
    return exitCodeOf(error);
  } finally {
    progress.stop();
    removeListeners();
  }
}

function listenForSignals(onSignal: (signal: StopSignal) => void): () => void {
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((signal) => {
    const listener = () => onSignal(signal);
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const remove of listeners) remove();
  };
}
