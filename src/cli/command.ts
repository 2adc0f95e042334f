/**
 * What a command is: its words, its options, its worked examples, and the work itself. Help, the
 * reference page and the parsing all come from this one description.
 */
import type { Option } from 'commander';
import type { Config, OptionKey } from '../config/option-table.ts';
import type { Parts } from './parts.ts';
import type { ProgressDisplay } from './progress-display.ts';
import type { Terminal } from './terminal.ts';

/** One call of a command: what it was given and what it works with. */
export interface Invocation<Options> {
  /** All arguments in order; lists are flattened. */
  readonly args: readonly string[];
  readonly options: Options;
  readonly config: Config;
  /** The settings that were given as flags, as typed. */
  readonly flags: Readonly<Partial<Record<OptionKey, string>>>;
  readonly configFile: string | undefined;
  /** Whether the answer is JSON for scripts, instead of text for people. */
  readonly json: boolean;
  readonly verbose: boolean;
  readonly version: string;
  readonly terminal: Terminal;
  readonly progress: ProgressDisplay;
  readonly parts: Parts;
  /** Aborted by Ctrl-C or SIGTERM, for commands that asked for it. */
  readonly signal: AbortSignal;
}

export interface Example {
  readonly says: string;
  /** One or more lines, as typed. */
  readonly line: string;
}

export interface CommandArgument {
  /** As commander writes it: `<file>` needed, `[key]` optional, `<keys...>` several. */
  readonly name: string;
  readonly help: string;
}

interface CommandWords {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** A few sentences: what it does, what it needs, what it leaves. */
  readonly description: string;
  readonly arguments?: readonly CommandArgument[];
  readonly options?: readonly Option[];
  readonly examples: readonly Example[];
  /** Hidden from the table of settings: commands that hand everything on. */
  readonly passThrough?: boolean;
  /**
   * What Ctrl-C and SIGTERM do: end the process at once (the default: what was being written is a
   * transaction), or abort `signal` and leave the end to the command, once; a second one ends it at once.
   */
  readonly onStop?: 'end' | 'abort';
}

/** A command whose options are known to nobody but itself. */
export interface CliCommand extends CommandWords {
  run(call: Invocation<unknown>): Promise<void>;
}

/** Describes a command. `run` gets the options as commander parsed them, camel-cased. */
export function defineCommand<Options = object>(
  command: CommandWords & { run(call: Invocation<Options>): Promise<void> },
): CliCommand {
  return { ...command, run: (call) => command.run(call as Invocation<Options>) };
}
