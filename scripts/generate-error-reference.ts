/**
 * Writes docs/reference/errors.md from the error catalogue: `npm run docs`. With --check it writes
 * nothing and fails if the page is not current, as the tests do.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERROR_CATALOGUE } from '../src/model/error.ts';

export const ERROR_REFERENCE_FILE = fileURLToPath(new URL('../docs/reference/errors.md', import.meta.url));

const INTRODUCTION = `# Errors

<!-- Generated from src/model/error.ts by \`npm run docs\`: change it there. -->

Every failure that is not a defect has a stable code. The HTTP API answers with \`application/problem+json\`,
whose \`code\` is one of these and whose \`detail\` says in words what was expected and what was found; the
command line prints the same. "Again" says whether the same request can succeed later, unchanged.

| code | status | again | what happened |
|---|---:|---|---|
`;

/** The whole page, as it should be. */
export function renderErrorReference(): string {
  const codes = Object.entries(ERROR_CATALOGUE);
  const table = codes.map(
    ([code, row]) =>
      `| [\`${code}\`](#${code.toLowerCase()}) | ${row.status} | ${row.retry ? 'yes' : 'no'} | ${row.title} |`,
  );
  const sections = codes.map(([code, row]) => `## ${code}\n\n${row.title}. ${row.remedy}\n`);
  return `${INTRODUCTION}${table.join('\n')}\n\n${sections.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = renderErrorReference();
  if (!process.argv.includes('--check')) writeFileSync(ERROR_REFERENCE_FILE, page);
  else if (readFileSync(ERROR_REFERENCE_FILE, 'utf8') !== page) {
    console.error('docs/reference/errors.md is not current: run `npm run docs`.');
    process.exitCode = 1;
  }
}
