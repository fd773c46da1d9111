import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Import, readImports } from './imports.ts';
import { parseSource, type SyntaxTree } from './syntax.ts';

/** The source files of the house, parsed once for all rules. */

export const ROOT = new URL('../..', import.meta.url).pathname;
export const SUBGRAPHS = ['matters', 'cases', 'licenses', 'seals'];
const HOMES = ['environment', 'gateway', 'subgraphs', 'db', 'seeds', 'scripts', 'test'];

export interface Source {
  /** Path from the root. */
  path: string;
  text: string;
  tree: SyntaxTree;
  imports: Import[];
}

export type House = Map<string, Source>;

export interface Rule {
  name: string;
  /** Returns each violation in one file: its line where known, and what is wrong. */
  findViolations(source: Source, house: House): string[];
  /** Small houses that break the rule, by what they do wrong. A rule that misses one of them is broken. */
  planted: Record<string, Record<string, string>>;
}

/** Returns a house of the given texts, by path. */
export function buildHouse(texts: Record<string, string>): House {
  const sources = Object.entries(texts).map(([path, text]): Source => {
    const tree = parseSource(path, /\.(ts|js)$/.test(path) ? text : '');
    return { path, text, tree, imports: readImports(path, tree) };
  });
  return new Map(sources.map((source) => [source.path, source]));
}

/** Reads the house from disk, without generated files. */
export function readHouse(): House {
  const paths = HOMES.flatMap((home) =>
    readdirSync(join(ROOT, home), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|js|css)$/.test(file) && !file.endsWith('.gen.ts'))
      .map((file) => `${home}/${file}`),
  );
  return buildHouse(Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(ROOT, path), 'utf8')])));
}

/** Returns the violations of a rule in a whole house. */
export function findAllViolations(rule: Rule, house: House): string[] {
  return [...house.values()].flatMap((source) =>
    rule.findViolations(source, house).map((violation) => `${source.path}: ${violation}`),
  );
}

export function isWithin(path: string, ...folders: string[]): boolean {
  return folders.some((folder) => path.startsWith(`${folder}/`));
}

/** Returns the subgraph (or `kernel`) that a file belongs to. */
export function subgraphOf(path: string): string | undefined {
  return /^subgraphs\/(\w+)\//.exec(path)?.[1];
}
