/**
 * Reads a source tree as a graph of imports, and holds it to the rules of ARCHITECTURE.md. Imports are found by
 * their form in formatted code (statements begin a line), since the compiler's own parser is not exposed
 * by TypeScript 7. Invariant: whatever cannot be resolved to a file is reported, never skipped.
 */

/** A source tree: path from the project's root, with `/` → text. */
export type SourceTree = ReadonlyMap<string, string>;

/** What one file asks for: files of ours by path, packages by name, Node's own modules with `node:`. */
export interface FileImports {
  readonly files: readonly string[];
  readonly packages: readonly string[];
  readonly builtins: readonly string[];
  /** Requests that lead nowhere, as written. */
  readonly unresolved: readonly string[];
}

/** Who may import what; each list is complete. */
export interface LayerRules {
  /** Layer (first folder under `src/`, or `main` for files in `src/` itself) → layers it may import. */
  readonly layers: Readonly<Record<string, readonly string[]>>;
  /** Package → folders or files that may import it, as path prefixes. Packages not listed are free. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
  /** Layer → the only packages it may import; no modules of Node. Layers not listed are free. */
  readonly bareLayers: Readonly<Record<string, readonly string[]>>;
  /** Folder of a driver → path prefixes, besides itself, that may import from it. */
  readonly drivers: Readonly<Record<string, readonly string[]>>;
  /** The only files that may import what is named at run time. */
  readonly loaders?: readonly string[];
}

const FROM = /^(?:import|export)\b[^;'"`]*?\bfrom\s+'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*([^)\s]+)/g;
/** Entry files of workers, and files beside the code. */
const BESIDE = /\bnew URL\(\s*'([^']+)',\s*import\.meta\.url\s*\)/g;

/** The requests of a file, as written, in no particular order. */
function requests(text: string): string[] {
  const code = withoutComments(text);
  const found = [...code.matchAll(FROM), ...code.matchAll(BARE)].map((match) => match[1]!);
  for (const match of code.matchAll(DYNAMIC)) {
    const literal = /^'([^']+)'/.exec(match[1]!);
    found.push(literal ? literal[1]! : `import(${match[1]})`);
  }
  for (const match of code.matchAll(BESIDE)) {
    const request = match[1]!;
    if (/\.(?:[cm]?js|ts)$/.test(request)) found.push(request.startsWith('.') ? request : `./${request}`);
  }
  return found;
}

/** Blanks comments that begin a line, which is where formatted code has them if they span statements. */
function withoutComments(text: string): string {
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, '').replace(/^[ \t]*\/\/.*$/gm, '');
}

/** Resolves what `path` imports, within the tree. */
export function importsOf(tree: SourceTree, path: string): FileImports {
  const files = new Set<string>();
  const packages = new Set<string>();
  const builtins = new Set<string>();
  const unresolved: string[] = [];
  for (const request of requests(tree.get(path) ?? '')) {
    if (request.startsWith('node:')) builtins.add(request);
    else if (request.startsWith('.')) {
      const target = resolve(path, request);
      if (tree.has(target)) files.add(target);
      else unresolved.push(request);
    } else if (/^(?:@[\w.-]+\/)?[\w.-]+(?:\/|$)/.test(request)) packages.add(packageName(request));
    else unresolved.push(request);
  }
  return { files: [...files], packages: [...packages], builtins: [...builtins], unresolved };
}

function resolve(from: string, request: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of request.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function packageName(request: string): string {
  return request
    .split('/')
    .slice(0, request.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The layer of a path under `src/`, undefined elsewhere. */
export function layerOf(path: string): string | undefined {
  const parts = path.split('/');
  if (parts[0] !== 'src') return undefined;
  return parts.length === 2 ? 'main' : parts[1];
}

const isTest = (path: string): boolean => path.endsWith('.test.ts');
const isUnder = (path: string, prefixes: readonly string[]): boolean =>
  prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix.replace(/\/$/, '')}/`));

/** Every breach of the layer table and of the lists of packages and drivers, as sentences. */
export function layerBreaches(tree: SourceTree, rules: LayerRules): string[] {
  const breaches: string[] = [];
  for (const path of tree.keys()) {
    const layer = layerOf(path);
    // A unit test puts real parts together, and may hold code as text.
    if (layer === undefined || isTest(path)) continue;
    const imports = importsOf(tree, path);
    for (const request of imports.unresolved) {
      if (request.startsWith('import(') && rules.loaders?.includes(path)) continue;
      breaches.push(`${path} imports ${request}, which is not found`);
    }
    if (!(layer in rules.layers)) {
      breaches.push(`${path} is in the layer ${layer}, which is not in the table`);
      continue;
    }
    for (const file of imports.files) {
      const other = layerOf(file);
      if (isTest(file)) breaches.push(`${path} imports the test ${file}`);
      else if (other === undefined) breaches.push(`${path} imports ${file}, outside src`);
      else if (other !== layer && !rules.layers[layer]!.includes(other)) {
        breaches.push(`${path} imports ${file}: ${layer} may not import ${other}`);
      }
      for (const [folder, others] of Object.entries(rules.drivers)) {
        if (isUnder(file, [folder]) && !isUnder(path, [folder, ...others])) {
          breaches.push(`${path} imports ${file}: only the composition root picks a driver`);
        }
      }
    }
    for (const name of imports.packages) {
      const allowed = rules.packages[name];
      if (allowed && !isUnder(path, allowed))
        breaches.push(`${path} imports ${name}, which belongs in ${allowed.join(', ')}`);
    }
    const bare = rules.bareLayers[layer];
    if (bare !== undefined) {
      for (const name of [...imports.packages, ...imports.builtins]) {
        if (bare.includes(name)) continue;
        breaches.push(`${path} imports ${name}: ${layer} imports nothing but what is ours`);
      }
    }
  }
  return breaches;
}

/** Circles of imports, each as the path around it; one for every file that closes one. */
export function importCycles(tree: SourceTree): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    if (done.has(path)) return;
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.push([...trail.slice(start), path].join(' → '));
      return;
    }
    trail.push(path);
    for (const file of importsOf(tree, path).files) visit(file);
    trail.pop();
    done.add(path);
  };
  for (const path of tree.keys()) visit(path);
  return cycles;
}

/** Lines of `src`, outside `src/config`, that read the environment. */
export function environmentReaders(tree: SourceTree): string[] {
  const reads = /\bprocess\s*(?:\?\.|\.|\[')\s*env\b|import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'node:process'/;
  return [...tree]
    .filter(([path]) => layerOf(path) !== undefined && layerOf(path) !== 'config' && !isTest(path))
    .filter(([, text]) => reads.test(withoutComments(text)))
    .map(([path]) => `${path} reads the environment: only src/config does`);
}

const WORD = '[a-z0-9]+(?:-[a-z0-9]+)*';
const FOLDER = new RegExp(`^\\.?${WORD}$`);
const FILE = new RegExp(`^${WORD}(?:\\.test|\\.worker|\\.d)?\\.[a-z]+$`);
const VAGUE = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'shared']);

/** Names that are not kebab-case, or that say nothing. */
export function nameBreaches(paths: Iterable<string>): string[] {
  const breaches: string[] = [];
  for (const path of paths) {
    const parts = path.split('/');
    const file = parts.pop()!;
    if (!FILE.test(file) || !parts.every((part) => FOLDER.test(part)))
      breaches.push(`${path} is not kebab-case`);
    const words = [...parts, file.split('.')[0]!].flatMap((part) => part.split('-'));
    if (words.some((word) => VAGUE.has(word)))
      breaches.push(`${path} has a name that could hold anything: name it for what it does`);
  }
  return breaches;
}

/** Files that are too long, or that do not begin by saying what they are (the names of tests say it). */
export function shapeBreaches(tree: SourceTree, limit: { readonly lines: number }): string[] {
  const breaches: string[] = [];
  for (const [path, text] of tree) {
    const lines = text.trimEnd().split('\n').length;
    if (lines > limit.lines) breaches.push(`${path} has ${lines} lines: at most ${limit.lines}`);
    const body = text.replace(/^#!.*\n/, '');
    if (!isTest(path) && !/^(?:\/\*\*?\s*\S|\/\/ \S)/.test(body))
      breaches.push(`${path} does not begin with a comment that says what it is`);
  }
  return breaches;
}
