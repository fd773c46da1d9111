import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, type Rule, type Source } from './sources.ts';

/** Documents name files that exist. */

/** A link of Markdown to a file, and a path in code form. The changelog speaks of earlier releases. */
const LINK = /\]\((?!https?:|#)([^)#\s]+)/g;
const CODE_PATH = /`((?:gateway|subgraphs|db|seeds|scripts|test|docs|kernel)\/[\w./-]*[\w/])`/g;

function findDeadPaths({ path, text }: Source): string[] {
  if (!path.endsWith('.md') || path === 'CHANGELOG.md') return [];
  const links = [...text.matchAll(LINK)].map(([, target = '']) => join(dirname(path), target));
  const named = [...text.matchAll(CODE_PATH)].map(([, name = '']) => name.replace(/^kernel\//, 'subgraphs/kernel/'));
  return [...links, ...named].filter((target) => !existsSync(join(ROOT, target))).map((target) => `no ${target}`);
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
];
