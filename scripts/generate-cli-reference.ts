/**
 * Writes docs/reference/cli.md from the commands and docs/reference/configuration.md from the option
 * table: `npm run docs`. With --check it writes nothing and fails if a page is not current, as the tests do.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Option } from 'commander';
import type { CliCommand } from '../src/cli/command.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { EXIT_CODES } from '../src/cli/failure.ts';
import { environmentName } from '../src/config/option-row.ts';
import { OPTION_TABLE, optionsOf } from '../src/config/option-table.ts';

const page = (name: string) => fileURLToPath(new URL(`../docs/reference/${name}`, import.meta.url));

/** File → its text as it should be. */
export const CLI_REFERENCE_PAGES: ReadonlyMap<string, () => string> = new Map([
  [page('cli.md'), renderCliReference],
  [page('configuration.md'), renderConfigurationReference],
]);

function renderCliReference(): string {
  const list = COMMANDS.map(({ name, summary }) => `| [\`${name}\`](#coterie-${name}) | ${summary} |`);
  const codes = Object.entries(EXIT_CODES).map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return [
    '# The command line',
    '',
    '<!-- Generated from src/cli by `npm run docs`: change it there. -->',
    '',
    'One program, `coterie`. The answer goes to standard output; progress, notes and errors go to standard',
    'error. With `--json` standard output holds one JSON document, or one a line where answers are many.',
    'Every command takes `--data <folder>`, `--config <file>`, `--json`, `--verbose` and `--help`;',
    '[configuration](configuration.md) says what each setting does and how else it can be given.',
    '',
    'While a server has the data folder open, commands that need the Core ask that server; `check` always',
    'reads the memberships themselves. `simulate`, and an import of Parquet, need the folder to themselves;',
    'rows of CSV and NDJSON are sent to the server that has it open.',
    '',
    '| command | what it does |',
    '|---|---|',
    ...list,
    '',
    '## Exit codes',
    '',
    '| code | meaning |',
    '|---:|---|',
    ...codes,
    '',
    'A failure is told as `error CODE: message`, its particulars one a line, and what to do about it.',
    'The codes are those of the [error reference](errors.md).',
    '',
    ...COMMANDS.flatMap(renderCommand),
  ].join('\n');
}

function renderCommand(command: CliCommand): string[] {
  const words = (command.arguments ?? []).map(({ name }) => name);
  const settings = optionsOf(command.name).filter(([, row]) => !row.commands.includes('*'));
  const usage = ['coterie', command.name, ...(command.passThrough ? [] : ['[options]']), ...words].join(' ');
  return [
    `## coterie ${command.name}`,
    '',
    `\`${usage}\``,
    '',
    ...renderDescription(command.description),
    '',
    ...table(
      'argument',
      (command.arguments ?? []).map(({ name, help }) => [name, help]),
    ),
    ...table(
      'option',
      (command.options ?? []).map((option) => [option.flags, describeOption(option)]),
    ),
    ...(settings.length === 0
      ? []
      : [
          `Settings: ${settings.map(([, row]) => `[\`--${row.flag}\`](configuration.md#${row.flag})`).join(', ')}.`,
          '',
        ]),
    '```sh',
    ...command.examples.flatMap(({ says, line }, index) => [...(index > 0 ? [''] : []), `# ${says}`, line]),
    '```',
    '',
  ];
}

/** Lines that are laid out as a list stay one; the others flow as text. */
function renderDescription(description: string): string[] {
  return description
    .split('\n')
    .map((line) => (/^Fields of /.test(line) ? `- ${line.replace(/: +/, ': ')}` : line));
}

function describeOption(option: Option): string {
  const choices = option.argChoices
    ? ` One of ${option.argChoices.map((choice) => `\`${choice}\``).join(', ')}.`
    : '';
  const needed = option.mandatory ? ' Needed.' : '';
  const given = option.defaultValue === undefined ? '' : ` Default: ${String(option.defaultValue)}.`;
  return `${option.description}${/[.)]$/.test(option.description) ? '' : '.'}${choices}${needed}${given}`;
}

function table(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const cell = (text: string) => text.replaceAll('|', '\\|');
  return [
    `| ${title} | |`,
    '|---|---|',
    ...rows.map(([name, help]) => `| \`${cell(name)}\` | ${cell(help)} |`),
    '',
  ];
}

function renderConfigurationReference(): string {
  const rows = Object.values(OPTION_TABLE);
  return [
    '# Configuration',
    '',
    '<!-- Generated from src/config/option-table.ts by `npm run docs`: change it there. -->',
    '',
    'Each setting has one name and can be given in three places. A flag wins over an environment variable,',
    'that over the configuration file, that over the default. The file is `coterie.yaml` in the working',
    'folder if there is one, or the one that `--config` or `COTERIE_CONFIG` names:',
    '',
    '```yaml',
    'data: /var/lib/coterie',
    'port: 8080',
    'engine-memory: 2GiB',
    '```',
    '',
    'A value that is not allowed, in any of the places, stops the command with',
    '[`CONFIG_INVALID`](errors.md#config_invalid), which names the setting, where the value came from, what was',
    'expected and what was found. An empty environment variable counts as not set. `NO_COLOR`, `CI` and',
    '`TERM=dumb` turn progress bars into plain lines.',
    '',
    'Sizes are `512MiB`, `2GiB` or plain bytes; durations `250ms`, `5s`, `10m`, `1h`.',
    '',
    '| setting | environment | default | what it is |',
    '|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| [\`--${row.flag}\`](#${row.flag}) | \`${environmentName(row)}\` | ${row.defaultText} | ${row.help} |`,
    ),
    '',
    ...rows.flatMap((row) => [
      `## ${row.flag}`,
      '',
      row.help,
      '',
      `- Flag: \`--${row.flag} <${row.placeholder}>\`, of ${commandsText(row.commands)}`,
      `- Environment: \`${environmentName(row)}\``,
      `- Default: ${row.defaultText}`,
      `- Allowed: ${row.expected}`,
      '',
    ]),
  ].join('\n');
}

function commandsText(commands: readonly string[]): string {
  return commands.includes('*')
    ? 'every command'
    : commands.map((name) => `[\`${name}\`](cli.md#coterie-${name})`).join(', ');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, render] of CLI_REFERENCE_PAGES) {
    if (!process.argv.includes('--check')) writeFileSync(file, render());
    else if (readFileSync(file, 'utf8') !== render()) {
      console.error(`${file} is not current: run \`npm run docs\`.`);
      process.exitCode = 1;
    }
  }
}
