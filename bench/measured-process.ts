/** A measurement in a process of its own, so that its memory and its processor time are its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Runs a benchmark's script with flags. What it prints before its last line is printed here, too, once it
 * has ended; its errors at once.
 *
 * @returns What the last line says, which is JSON.
 * @throws {Error} If it ends with an exit code other than 0.
 */
export function measureInProcess<Figures>(
  script: URL | string,
  flags: Readonly<Record<string, number | string>>,
): Promise<Figures> {
  const argv = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(script), ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) {
        reject(new Error(`the measured process ended with ${code}: ${output}`));
        return;
      }
      const lines = output.trim().split('\n');
      if (lines.length > 1) console.log(lines.slice(0, -1).join('\n'));
      resolve(JSON.parse(lines.at(-1)!) as Figures);
    });
  });
}
