/**
 * The commander program: every command with its own options, the settings of the option table that it
 * takes, and help that teaches. Parsing is commander's; running is handed to the caller.
 */
import { Command, Option, type OutputConfiguration } from 'commander';
import { environmentName, type OptionRow } from '../config/option-row.ts';
import { type OptionKey, optionsOf } from '../config/option-table.ts';
import type { CliCommand } from './command.ts';
import { EXIT_CODES } from './failure.ts';

/** What was parsed: the command, its arguments, its own options, and the settings given as flags. */
export interface ParsedCall {
  readonly command: CliCommand;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Partial<Record<OptionKey, string>>>;
  readonly configFile: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
}

export interface ProgramRequest {
  readonly commands: readonly CliCommand[];
  readonly version: string;
  readonly onCall: (call: ParsedCall) => void;
}

const HELP_COLUMNS = 110;

/** Usage errors look like all others; help is as wide as the screen, or as a page. */
const OUTPUT: OutputConfiguration = {
  outputError: (text, write) => write(text.replace(/^error: /, 'error USAGE: ')),
  getOutHelpWidth: () => process.stdout.columns ?? HELP_COLUMNS,
  getErrHelpWidth: () => process.stderr.columns ?? HELP_COLUMNS,
};

/** Builds the program; it throws commander's own errors instead of ending the process. */
export function buildProgram(request: ProgramRequest): Command {
  const program = new Command('coterie')
    .description(
      'Customer segmentation for marketplaces that deliver: is this customer in that segment?\n' +
        'Import orders, apply definitions of segments, calculate, serve.',
    )
    .version(request.version, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'how a command works')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .configureOutput(OUTPUT)
    .exitOverride()
    .addHelpText('after', programEpilogue);
  for (const command of request.commands) program.addCommand(buildCommand(command, request.onCall));
  return program;
}

function buildCommand(command: CliCommand, onCall: ProgramRequest['onCall']): Command {
  const built = new Command(command.name)
    .summary(command.summary)
    .description(command.description)
    .configureOutput(OUTPUT)
    .exitOverride()
    .showHelpAfterError(`  \`coterie ${command.name} --help\` shows how it is called.`)
    .addHelpText('after', () => commandEpilogue(command));
  for (const { name, help } of command.arguments ?? []) built.argument(name, help);
  for (const option of command.options ?? []) built.addOption(option);
  if (command.passThrough) built.allowUnknownOption().helpOption(false);
  else addSettings(built, command);
  built.action((...received: unknown[]) => {
    const raw = built.opts() as Record<string, unknown>;
    const flags: Partial<Record<OptionKey, string>> = {};
    for (const [key] of optionsOf(command.name)) {
      if (typeof raw[key] === 'string') flags[key] = raw[key];
    }
    onCall({
      command,
      args: command.passThrough
        ? built.args
        : (received.slice(0, -2).flat() as unknown[]).filter((value) => value !== undefined).map(String),
      options: raw,
      flags,
      configFile: raw.config as string | undefined,
      json: raw.json === true,
      verbose: raw.verbose === true,
    });
  });
  return built;
}

function addSettings(built: Command, command: CliCommand): void {
  for (const [, row] of optionsOf(command.name)) built.addOption(settingOption(row));
  const settings = [
    new Option(
      '--config <file>',
      'file of settings (default: coterie.yaml if there is one; env COTERIE_CONFIG)',
    ),
    new Option('--json', 'answer in JSON on standard output, for scripts'),
    new Option('--verbose', 'tell more, also when something fails'),
  ];
  for (const option of settings) built.addOption(option.helpGroup(SETTINGS_TITLE));
  built.addHelpOption(new Option('-h, --help', 'how this command works').helpGroup(SETTINGS_TITLE));
}

const SETTINGS_TITLE = 'Settings:';

function settingOption(row: OptionRow<unknown>): Option {
  const { help, defaultText } = row;
  return new Option(
    `--${row.flag} <${row.placeholder}>`,
    `${help} (default: ${defaultText}; env ${environmentName(row)})`,
  ).helpGroup(SETTINGS_TITLE);
}

function commandEpilogue(command: CliCommand): string {
  const examples = command.examples.flatMap(({ says, line }) => [
    `  # ${says}`,
    ...line.split('\n').map((part) => `  ${part}`),
    '',
  ]);
  return ['', 'Examples:', ...examples.slice(0, -1)].join('\n');
}

const programEpilogue = (): string =>
  [
    '',
    'From nothing to an answer:',
    '  coterie start                                  # an example marketplace, served on port 8080',
    '  coterie import orders.csv.gz --as orders       # or your own: facts in,',
    '  coterie apply segments.yaml                    # definitions in,',
    '  coterie calculate                              # all memberships calculated,',
    '  coterie check customer-1 my-segment            # asked here,',
    '  coterie serve                                  # or over HTTP',
    '',
    'Exit codes:',
    ...Object.entries(EXIT_CODES).map(([code, meaning]) => `  ${code.padEnd(4)} ${meaning}`),
    '',
    'Settings can also stand in the environment (COTERIE_PORT=80) or in coterie.yaml (port: 80).',
  ].join('\n');
