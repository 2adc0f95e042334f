/** Tells what to do next after a command, as a line that can be pasted. */
import { relative } from 'node:path';
import type { Invocation } from './command.ts';

/** How this program is called here: `coterie` when installed, else the path to its script. */
export function programName(script = process.argv[1] ?? 'coterie', folder = process.cwd()): string {
  if (!script.endsWith('.mjs')) return 'coterie';
  const near = relative(folder, script);
  return `node ${shellWord(near.startsWith('..') ? script : near)}`;
}

/** A command line with the same data folder and configuration file as this call's. */
export function commandLine(call: Invocation<unknown>, words: string): string {
  const data = call.flags.data === undefined ? '' : ` --data ${shellWord(call.flags.data)}`;
  const file = call.configFile === undefined ? '' : ` --config ${shellWord(call.configFile)}`;
  return `${programName()} ${words}${data}${file}`;
}

/** Prints the next steps, for people only. */
export function suggestNext(call: Invocation<unknown>, ...steps: readonly string[]): void {
  if (call.json) return;
  call.terminal.note(
    ...steps.map((words, index) => `${index === 0 ? 'next:' : '     '} ${commandLine(call, words)}`),
  );
}

/** A word as a shell reads it back unchanged. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
