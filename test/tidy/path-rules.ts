import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, type Rule, type Source, type Sources, SUBGRAPHS } from './sources.ts';
import { walk } from './syntax.ts';

/** Documents name files, functions and constants that exist. */

/** A link of Markdown to a file, and a path in code form. The changelog speaks of earlier releases. */
const LINK = /\]\((?!https?:|#)([^)#\s]+)/g;
const CODE_PATH = /`((?:gateway|subgraphs|db|seeds|scripts|test|docs|kernel)\/[\w./-]*[\w/])`/g;

function findDeadPaths({ path, text }: Source): string[] {
  if (!path.endsWith('.md') || path === 'CHANGELOG.md') return [];
  const links = [...text.matchAll(LINK)].map(([, target = '']) => join(dirname(path), target));
  const named = [...text.matchAll(CODE_PATH)].map(([, name = '']) => name.replace(/^kernel\//, 'subgraphs/kernel/'));
  return [...links, ...named].filter((target) => !existsSync(join(ROOT, target))).map((target) => `no ${target}`);
}

/** A name in code form that looks like a function or constant: a capital inside, or capitals with an underscore. */
const CODE_NAME = /`([a-z][a-z\d]*[A-Z][A-Za-z\d]*|[A-Z][A-Z\d]*_[A-Z\d_]+)(?:\(\))?`/g;

const listWords = (text: string) => text.match(/[A-Za-z]\w*/g) ?? [];

/** Names of the schemas, without their descriptions, and of package.json. */
const STORED_NAMES = [
  ...SUBGRAPHS.map((name) => `subgraphs/${name}/schema.graphql`).map((path) =>
    readFileSync(join(ROOT, path), 'utf8').replaceAll(/"""[\s\S]*?"""|"[^"\n]*"/g, ''),
  ),
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
].flatMap(listWords);

const namesOfSources = new WeakMap<Sources, Set<string>>();

/** Returns what the code names or writes. A comment is no evidence that a name still exists. */
function readNames(sources: Sources): Set<string> {
  const known = namesOfSources.get(sources);
  if (known) return known;
  const nodes = [...sources.values()].flatMap(({ tree }) => walk(tree.program));
  const names = nodes.flatMap((node) => {
    if (node.type === 'Identifier') return [String(node.name)];
    if (node.type === 'Literal') return listWords(String(node.value));
    return node.type === 'TemplateElement' ? listWords((node.value as { raw: string }).raw) : [];
  });
  const all = new Set([...STORED_NAMES, ...names]);
  namesOfSources.set(sources, all);
  return all;
}

function findDeadNames({ path, text }: Source, sources: Sources): string[] {
  if (!path.endsWith('.md') || path === 'CHANGELOG.md') return [];
  const names = [...text.matchAll(CODE_NAME)].map(([, name = '']) => name);
  return names.filter((name) => !readNames(sources).has(name)).map((name) => `no ${name}`);
}

export const pathRules: Rule[] = [
  {
    name: 'documents name files that exist',
    findViolations: findDeadPaths,
    planted: {
      'a link': { 'docs/x.md': '[a page](gone.md)' },
      'a link from the root': { 'README.md': '[a page](docs/gone.md#part)' },
      'a source file': { 'docs/x.md': 'See `subgraphs/kernel/gone.ts`.' },
      'a source file of the kernel': { 'docs/x.md': 'See `kernel/gone.ts`.' },
      'a folder': { 'docs/x.md': 'See `test/gone/`.' },
    },
  },
  {
    name: 'documents name functions and constants that exist',
    findViolations: findDeadNames,
    planted: {
      'a function': { 'docs/x.md': 'See `goneRule`.' },
      'a call': { 'ARCHITECTURE.md': 'See `goneRule()`.' },
      'a constant': { 'CONTRIBUTING.md': 'See `GONE_LIMIT`.' },
      'a name in a table': { 'docs/x.md': '| a | `goneRule` |' },
      'a name that only a comment has': { 'docs/x.md': 'See `goneRule`.', 'db/x.ts': '/** goneRule */\nf();' },
      'a part of a longer name': { 'docs/x.md': 'See `goneRule`.', 'db/x.ts': 'goneRules();' },
    },
  },
];
