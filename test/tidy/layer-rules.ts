import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';

import { KERNEL, type Layer, layerOf, rankOf } from './layers.ts';
import { isWithin, ROOT, type Rule, type Source, type Sources, subgraphOf } from './sources.ts';
import { walk } from './syntax.ts';

/** Who may import whom, and which packages belong to which layer. */

/** Returns the targets of all imports of a file: types and dynamic imports too. */
function targetsOf({ imports }: Source): string[] {
  return imports.map(({ target }) => target ?? 'a computed path');
}

const isPackage = (target: string, ...packages: string[]) =>
  packages.some((name) => target === name || target.startsWith(`${name}/`));

/** Allows a package, in some folders, only to files of the given layers. */
function reservePackages(packages: string[], folders: string[], layers: Layer[], exempt: string[] = []) {
  return (source: Source): string[] => {
    if (!isWithin(source.path, ...folders) || exempt.includes(source.path)) return [];
    const layer = layerOf(source.path);
    if (layer && layers.includes(layer)) return [];
    return targetsOf(source).filter((target) => isPackage(target, ...packages));
  };
}

function findUpwardImports(source: Source): string[] {
  const layer = layerOf(source.path);
  if (layer === null) return [];
  return source.imports.flatMap(({ target, kind }) => {
    const below = target === null ? null : layerOf(target);
    if (below === null || rankOf(below) <= rankOf(layer)) return [];
    // A type of the index or of the signer is a shape, not a dependency.
    if (kind === 'type' && (below === 'index' || below === 'keys')) return [];
    return [`${layer} imports ${below} ${target}`];
  });
}

/** Returns the circle of imports that leads from a file back to it, or null. Erased imports do not count. */
function findCircle(start: string, sources: Sources): string[] | null {
  const seen = new Set<string>();
  const follow = (path: string, trail: string[]): string[] | null => {
    for (const { target, kind } of sources.get(path)?.imports ?? []) {
      if (kind === 'type' || target === null) continue;
      if (target === start) return [...trail, target];
      if (seen.has(target)) continue;
      seen.add(target);
      const circle = follow(target, [...trail, target]);
      if (circle) return circle;
    }
    return null;
  };
  return follow(start, [start]);
}

const PRIVATE_KEY_FUNCTIONS = new Set([
  'createDecipheriv',
  'createPrivateKey',
  'generateKeyPair',
  'generateKeyPairSync',
]);

/** What a file uses for something else: links to files hold a token, encrypted. */
const LINK_FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  'gateway/file-link/link.ts': ['createDecipheriv'],
};

/** Returns the private-key functions that a file names, by import, as a property or under another name. */
function findPrivateKeyFunctions({ tree }: Source): string[] {
  const named = walk(tree.program).flatMap((node) => {
    if (node.type === 'Identifier') return [String(node.name)];
    return node.type === 'Literal' ? [String(node.value)] : [];
  });
  return [...new Set(named.filter((name) => PRIVATE_KEY_FUNCTIONS.has(name)))];
}

const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

/** Returns the packages that a file loads and that an installation without development dependencies lacks. */
function findMissingPackages({ path, imports }: Source): string[] {
  if (isWithin(path, 'test') || path.endsWith('.js')) return [];
  return imports.flatMap(({ target, kind }) => {
    if (kind === 'type' || target === null || isBuiltin(target) || /\.(ts|js)$/.test(target)) return [];
    const name = /^(@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target;
    return Object.hasOwn(dependencies, name) ? [] : [target];
  });
}

const STORE = 'subgraphs/cases/store.ts';
const WORKFLOW = 'subgraphs/cases/workflow.ts';
const CASE = 'subgraphs/cases/case.ts';

export const layerRules: Rule[] = [
  {
    name: 'no subgraph imports another',
    findViolations: (source) => {
      const own = subgraphOf(source.path);
      if (own === undefined) return [];
      return targetsOf(source).filter((target) => ![undefined, own, 'kernel'].includes(subgraphOf(target)));
    },
    planted: {
      'an import': { [CASE]: "import { a } from '../licenses/license.ts';\nexport const b = a;" },
      'a type': { [CASE]: "import type { A } from '../licenses/license.ts';\nexport type B = A;" },
      'a type in place': { [CASE]: "export type B = import('../licenses/license.ts').A;" },
      'a dynamic import': { [CASE]: "export const load = () => import('../licenses/license.ts');" },
      'a dynamic import of a template': { [CASE]: 'export const load = () => import(`../licenses/license.ts`);' },
      're-export': { [CASE]: "export { a } from '../licenses/license.ts';" },
      're-export of everything': { [CASE]: "export * from '../licenses/license.ts';" },
      'the kernel importing a subgraph': {
        'subgraphs/kernel/day.ts': "import { a } from '../cases/case.ts';\nexport const b = a;",
      },
    },
  },
  {
    name: 'imports go down: main, index, edge, workflow and client, store, tables, rules',
    findViolations: findUpwardImports,
    planted: {
      'a rule importing resolvers': { [CASE]: "import { a } from './resolvers.ts';\nexport const b = a;" },
      'a store importing a workflow': { [STORE]: "import { a } from './workflow.ts';\nexport const b = a;" },
      'a workflow importing resolvers': { [WORKFLOW]: "import { a } from './resolvers.ts';\nexport const b = a;" },
      'a store importing a workflow of a room': {
        [STORE]: "import { a } from './material/publish-workflow.ts';\nexport const b = a;",
      },
      'tables importing a store': { 'subgraphs/cases/tables.ts': "export { a } from './store.ts';" },
      'a view importing the index': {
        'subgraphs/cases/view.ts': "import { a } from './index.ts';\nexport const b = a;",
      },
      'the index importing main': { 'subgraphs/cases/index.ts': "import './main.ts';" },
    },
  },
  {
    name: 'no circle of imports',
    findViolations: (source, sources) => {
      const circle = findCircle(source.path, sources);
      return circle ? [circle.join(' → ')] : [];
    },
    planted: {
      'of two files': { 'db/a.ts': "export { b } from './b.ts';", 'db/b.ts': "import './a.ts';\nexport const b = 1;" },
      'of three files': {
        'gateway/a.ts': "import { b } from './b.ts';\nexport const a = b;",
        'gateway/b.ts': "import { c } from './c.ts';\nexport const b = c;",
        'gateway/c.ts': "export { a as c } from './a.ts';",
      },
      'through a dynamic import': {
        'scripts/a.ts': "import { b } from './b.ts';\nexport const a = b;",
        'scripts/b.ts': "export const b = () => import('./a.ts');",
      },
      'in the tests': { 'test/a.ts': "import './b.ts';", 'test/b.ts': "import './a.ts';" },
    },
  },
  {
    name: 'subgraphs import nothing of gateway, scripts, seeds or tests',
    findViolations: (source) =>
      isWithin(source.path, 'subgraphs')
        ? targetsOf(source).filter((target) => isWithin(target, 'gateway', 'scripts', 'seeds', 'test'))
        : [],
    planted: {
      'a script': { [CASE]: "import { a } from '../../scripts/demo/people.ts';\nexport const b = a;" },
      'a test by dynamic import': { [STORE]: "export const a = () => import('../../test/support/hub.ts');" },
    },
  },
  {
    name: 'drizzle and the driver only in stores and tables',
    findViolations: reservePackages(['drizzle-orm', 'postgres'], ['subgraphs', 'gateway'], ['store', 'tables']),
    planted: {
      'in a rule': { [CASE]: "import { eq } from 'drizzle-orm';\nexport const a = eq;" },
      'in a workflow': { [WORKFLOW]: "import { sql } from 'drizzle-orm/pg-core';\nexport const a = sql;" },
      'by dynamic import': { 'gateway/hub.ts': "export const a = () => import('postgres');" },
    },
  },
  {
    name: 'graphql, @apollo and fastify only at the edge',
    findViolations: reservePackages(
      ['graphql', '@apollo', '@as-integrations', '@fastify', 'fastify', 'dataloader'],
      ['subgraphs'],
      ['edge', 'index', 'main'],
      // Its error is the answer to a wrong cursor.
      ['subgraphs/kernel/list/page.ts'],
    ),
    planted: {
      'in a rule': { [CASE]: "import { parse } from 'graphql';\nexport const a = parse;" },
      'in a workflow': { [WORKFLOW]: "export { GraphQLError } from 'graphql';" },
      'in a store': { [STORE]: "import fastify from 'fastify';\nexport const a = fastify;" },
    },
  },
  {
    name: 'node-forge only in the signer',
    findViolations: (source) =>
      isWithin(source.path, 'subgraphs/seals/signer', 'test')
        ? []
        : targetsOf(source).filter((target) => isPackage(target, 'node-forge')),
    planted: {
      'an import': { 'subgraphs/seals/workflow.ts': "import forge from 'node-forge';\nexport const a = forge;" },
      'a part of it': { 'scripts/a.ts': "import pki from 'node-forge/lib/pki.js';\nexport const a = pki;" },
    },
  },
  {
    name: 'private keys only in the signer, and the one of the gateway in one file',
    findViolations: (source) =>
      isWithin(source.path, 'subgraphs', 'gateway') &&
      !isWithin(source.path, 'subgraphs/seals/signer') &&
      // The key of the process itself, which signs nothing but its tokens.
      source.path !== 'subgraphs/kernel/sealing/service-token.ts' &&
      source.path !== 'gateway/sign-in/own-key.ts'
        ? findPrivateKeyFunctions(source).filter((name) => !LINK_FUNCTIONS[source.path]?.includes(name))
        : [],
    planted: {
      'beside the one of the gateway': { 'gateway/sign-in/a.ts': 'export const key = createPrivateKey(pem);' },
      'a call': { [WORKFLOW]: 'export const key = createPrivateKey(pem);' },
      'under another name': { 'gateway/a.ts': "import { createPrivateKey as read } from 'node:crypto';\nread('');" },
      'in a link': { 'gateway/file-link/link.ts': 'export const key = createPrivateKey(pem);' },
      'as a property': { [WORKFLOW]: "import * as c from 'node:crypto';\nc['generateKeyPairSync']('ed25519');" },
    },
  },
  {
    name: 'what runs loads no development dependency',
    findViolations: findMissingPackages,
    planted: {
      'an ASN.1 reader of the tests': {
        'scripts/x.ts': "import { fromBER } from 'asn1js';\nfromBER(new Uint8Array());",
      },
      'by dynamic import': { [STORE]: "export const load = () => import('pkijs');" },
      'part of a scoped package': { 'gateway/x.ts': "export * from '@graphql-codegen/cli/x';" },
    },
  },
  {
    name: 'the kernel is a closed list',
    findViolations: ({ path }) => {
      const file = /^subgraphs\/kernel\/(.+)\.ts$/.exec(path)?.[1];
      return file === undefined || file.endsWith('.gen') || KERNEL[file] ? [] : [`${file} is not in the list`];
    },
    planted: { 'a file that is not in the list': { 'subgraphs/kernel/extra.ts': '' } },
  },
];
