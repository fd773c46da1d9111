import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Import, readImports } from './imports.ts';
import { parseSource, type SyntaxTree } from './syntax.ts';

/** The files that the rules read, parsed once for all rules. */

export const ROOT = new URL('../..', import.meta.url).pathname;
export const SUBGRAPHS = ['matters', 'cases', 'licenses', 'seals'];
const HOMES = ['gateway', 'subgraphs', 'db', 'seeds', 'scripts', 'test'];

export interface Source {
  /** Path from the root. */
  path: string;
  text: string;
  tree: SyntaxTree;
  imports: Import[];
}

export type Sources = Map<string, Source>;

export interface Rule {
  name: string;
  /** Returns each violation in one file: its line where known, and what is wrong. */
  findViolations(source: Source, sources: Sources): string[];
  /** Small sets of files that break the rule, by what they do wrong. A rule that misses one of them is broken. */
  planted: Record<string, Record<string, string>>;
}

/** Parses texts, by path. */
export function buildSources(texts: Record<string, string>): Sources {
  const sources = Object.entries(texts).map(([path, text]): Source => {
    const tree = parseSource(path, /\.(ts|js)$/.test(path) ? text : '');
    return { path, text, tree, imports: readImports(path, tree) };
  });
  return new Map(sources.map((source) => [source.path, source]));
}

/** Reads code and documents from disk, without generated files. */
export function readSources(): Sources {
  const code = HOMES.flatMap((home) => listFiles(home, /\.(ts|js|css)$/)).filter((path) => !path.endsWith('.gen.ts'));
  const documents = [...['docs', 'seeds'].flatMap((home) => listFiles(home, /\.md$/)), ...listDocuments()];
  const paths = [...code, ...documents].sort();
  return buildSources(Object.fromEntries(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')])));
}

function listFiles(folder: string, ending: RegExp): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => ending.test(file) && !file.includes('node_modules/'))
    .map((file) => `${folder}/${file}`);
}

function listDocuments(): string[] {
  return readdirSync(ROOT).filter((file) => file.endsWith('.md'));
}

/** Returns the violations of a rule in all files. */
export function findAllViolations(rule: Rule, sources: Sources): string[] {
  return [...sources.values()].flatMap((source) =>
    rule.findViolations(source, sources).map((violation) => `${source.path}: ${violation}`),
  );
}

export function isWithin(path: string, ...folders: string[]): boolean {
  return folders.some((folder) => path.startsWith(`${folder}/`));
}

/** Returns the subgraph (or `kernel`) that a file belongs to. */
export function subgraphOf(path: string): string | undefined {
  return /^subgraphs\/(\w+)\//.exec(path)?.[1];
}
