/**
 * Reads the project's own pages: fenced blocks, links, and the anchors that headings make. Only what
 * the tests of the pages need; not a parser of Markdown.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface CodeBlock {
  /** What follows the fence: `sh`, `sh runnable`, `yaml` … */
  readonly info: string;
  readonly text: string;
  /** Line of the fence, from 1. */
  readonly line: number;
}

/** All fenced blocks, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { fence: string; info: string; line: number; lines: string[] } | undefined;
  markdown.split('\n').forEach((line, index) => {
    const fence = /^(`{3,})(.*)$/.exec(line);
    if (open && fence && fence[1] === open.fence && fence[2] === '') {
      blocks.push({ info: open.info, text: `${open.lines.join('\n')}\n`, line: open.line });
      open = undefined;
    } else if (open) open.lines.push(line);
    else if (fence) open = { fence: fence[1]!, info: fence[2]!.trim(), line: index + 1, lines: [] };
  });
  return blocks;
}

/** The text without fenced blocks and without code in lines, where brackets are no links. */
function prose(markdown: string): string {
  return markdown.replace(/^(`{3,}).*\n[\s\S]*?^\1\s*$/gm, '').replace(/`[^`\n]*`/g, '');
}

/** Targets of all links and images, as written. */
export function links(markdown: string): string[] {
  return [...prose(markdown).matchAll(/\]\(\s*<?([^()\s>]+(?:\([^()\s]*\))?)>?(?:\s+"[^"]*")?\s*\)/g)].map(
    (match) => match[1]!,
  );
}

/** Anchors that the headings make, as code forges make them. */
export function anchors(markdown: string): Set<string> {
  const made = new Set<string>();
  const text = markdown.replace(/^(`{3,}).*\n[\s\S]*?^\1\s*$/gm, '');
  for (const match of text.matchAll(/^#{1,6}\s+(.+?)\s*$/gm)) {
    const base = match[1]!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    let anchor = base;
    for (let n = 1; made.has(anchor); n++) anchor = `${base}-${n}`;
    made.add(anchor);
  }
  return made;
}

/** Paths of all .md files below a folder, relative to it. */
export function markdownFiles(root: string, skip: ReadonlySet<string> = new Set(['node_modules'])): string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!skip.has(entry.name) && entry.name !== '.git') walk(path);
      } else if (entry.name.endsWith('.md')) found.push(path);
    }
  };
  walk('');
  return found.sort();
}
