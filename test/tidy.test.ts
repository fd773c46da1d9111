import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import {
  buildSchema,
  type GraphQLNamedType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import { describe, expect, test } from 'vitest';

/** House style as a test: who may import whom, who may touch keys and the environment, how long a file may be. */

const ROOT = new URL('..', import.meta.url).pathname;
const HOMES = ['gateway', 'subgraphs', 'db', 'seeds', 'scripts'];
const SUBGRAPHS = ['matters', 'cases', 'licenses', 'seals'];
const FILE_LINES_MOST = 400;
const FUNCTION_LINES_MOST = 70;
/** The kernel is a closed list; each file has two importing subgraphs or more, by itself or through another. */
const KERNEL = [
  'actor',
  'attachment',
  'day',
  'document',
  'events',
  'identifier',
  'license-acts',
  'outbox-store',
  'page',
  'pdf',
  'refusal',
  'remembered',
  'seal-image',
  'seal-picture',
  'sealed-pdf',
  'serve',
  'sign',
  'tlog/checkpoint',
  'tlog/fault',
  'tlog/note',
  'tlog/tree',
];
const DRAWERS = /(^|\/)(utils?|helpers?|common|managers?|services?|lib|misc)(\/|\.ts$)/;

interface Source {
  path: string;
  text: string;
}

const imports =
  /(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]/g;

function importsOf({ path, text }: Source): string[] {
  return [...text.matchAll(imports)].map((match) => {
    const target = match[1] ?? match[2] ?? match[3] ?? '';
    return target.startsWith('.') ? normalize(join(dirname(path), target)) : target;
  });
}

/** Which layer of a subgraph a file is: an import may only go down, or sideways within a layer. */
function layerOf(path: string): number {
  // A room (a folder within a subgraph) has the same layers as the subgraph itself.
  const file = path.split('/').at(-1);
  if (file === 'main.ts') return 4;
  if (/^(index|([\w-]+-)?routes)\.ts$/.test(file ?? '')) return 3;
  if (/(^|-)(resolvers|view)\.ts$/.test(file ?? '')) return 2;
  return 1;
}

interface Rule {
  name: string;
  breaks: (source: Source) => boolean;
}

const within = (path: string, ...places: string[]) =>
  places.some((place) => path === place || path.startsWith(`${place}/`));
const isStore = (path: string) => /(\/|-)(store|tables)\.ts$/.test(path);
const subgraphOf = (path: string) => /^subgraphs\/(\w+)\//.exec(path)?.[1];

const RULES: Rule[] = [
  {
    name: 'no subgraph imports another',
    breaks: (source) => {
      const own = subgraphOf(source.path);
      if (own === undefined) return false;
      return importsOf(source).some((target) => {
        const other = subgraphOf(target);
        return other !== undefined && other !== own && other !== 'kernel';
      });
    },
  },
  {
    name: 'imports go down: main, index, resolvers, then workflow, store and domain',
    breaks: (source) => {
      const own = subgraphOf(source.path);
      if (own === undefined || own === 'kernel') return false;
      return importsOf(source).some((target) => {
        if (subgraphOf(target) !== own || target.endsWith('.gen.ts')) return false;
        // A type of the index is a shape, not a dependency.
        if (layerOf(source.path) === 3 && layerOf(target) === 3) return false;
        return layerOf(target) > layerOf(source.path);
      });
    },
  },
  {
    name: 'subgraphs import nothing of gateway, scripts, seeds or tests',
    breaks: (source) =>
      within(source.path, 'subgraphs') &&
      importsOf(source).some((target) => within(target, 'gateway', 'scripts', 'seeds', 'test')),
  },
  {
    name: 'drizzle only in store, tables and outbox',
    breaks: (source) =>
      within(source.path, 'subgraphs', 'gateway') &&
      !isStore(source.path) &&
      importsOf(source).some((target) => target.startsWith('drizzle-orm') || target === 'postgres'),
  },
  {
    name: 'graphql and @apollo only at the edge',
    breaks: (source) =>
      within(source.path, 'subgraphs') &&
      !/\/(index|resolvers|serve|page|view)\.ts$/.test(source.path) &&
      importsOf(source).some((target) => target === 'graphql' || target.startsWith('@apollo/')),
  },
  {
    name: 'node-forge only in the signer',
    breaks: (source) =>
      !within(source.path, 'subgraphs/seals/signer') &&
      importsOf(source).some((target) => target.startsWith('node-forge')),
  },
  {
    name: 'private keys only in the signer',
    breaks: (source) =>
      within(source.path, 'subgraphs', 'gateway') &&
      !within(source.path, 'subgraphs/seals/signer') &&
      /\b(createPrivateKey|generateKeyPair|generateKeyPairSync|createDecipheriv)\b/.test(source.text),
  },
  {
    name: 'the environment is read in main and scripts alone',
    breaks: (source) =>
      !/(^|\/)main\.ts$/.test(source.path) && !within(source.path, 'scripts') && /\bprocess\.env\b/.test(source.text),
  },
  {
    name: 'no clock in domain files',
    breaks: (source) =>
      within(source.path, 'subgraphs') &&
      /\/(case|decide|license|paper|matter|seal|authority|verify)\.ts$/.test(source.path) &&
      /\bDate\.now\(\)|\bnew Date\(\)/.test(source.text),
  },
  {
    name: `files of at most ${FILE_LINES_MOST} lines`,
    breaks: ({ text }) => text.split('\n').length > FILE_LINES_MOST,
  },
  {
    name: `functions of at most ${FUNCTION_LINES_MOST} lines`,
    breaks: ({ text }) => longestFunction(text) > FUNCTION_LINES_MOST,
  },
  { name: 'no drawers', breaks: ({ path }) => DRAWERS.test(path) },
  {
    name: 'the kernel is a closed list',
    breaks: ({ path }) => {
      const file = /^subgraphs\/kernel\/(.+)\.ts$/.exec(path)?.[1];
      return file !== undefined && !KERNEL.includes(file);
    },
  },
];

/** Lines of the longest function declared at the start of a line: from its head to the brace that closes it. */
function longestFunction(text: string): number {
  const lines = text.split('\n');
  let longest = 0;
  lines.forEach((line, start) => {
    if (!/^(export )?(async )?function\b/.test(line)) return;
    const end = lines.findIndex((later, i) => i > start && later === '}');
    if (end > start) longest = Math.max(longest, end - start + 1);
  });
  return longest;
}

function readSources(): Source[] {
  return HOMES.flatMap((home) =>
    readdirSync(join(ROOT, home), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|js|css)$/.test(file) && !file.endsWith('.gen.ts'))
      .map((file) => {
        const path = `${home}/${file}`;
        return { path, text: readFileSync(join(ROOT, path), 'utf8') };
      }),
  );
}

const sources = readSources();

describe('the house keeps its rules', () => {
  test('there is a house', () => {
    expect(sources.length).toBeGreaterThan(40);
  });
  test.each(RULES)('$name', ({ breaks }) => {
    expect(sources.filter(breaks).map((source) => source.path)).toEqual([]);
  });
  test.each(KERNEL)('kernel/%s has two importing subgraphs or more', (name) => {
    expect(subgraphsUsing(`subgraphs/kernel/${name}.ts`).size).toBeGreaterThanOrEqual(2);
  });
});

/** The subgraphs that import a file, or a file of the kernel that does. */
function subgraphsUsing(path: string, seen = new Set<string>()): Set<string> {
  seen.add(path);
  const users = sources.filter((source) => importsOf(source).includes(path)).map((source) => source.path);
  const found = users.flatMap((user) => {
    const own = subgraphOf(user);
    if (own === 'kernel') return seen.has(user) ? [] : [...subgraphsUsing(user, seen)];
    return SUBGRAPHS.includes(own ?? '') ? [own ?? ''] : [];
  });
  return new Set(found);
}

/** One planted violation per rule: a rule that finds nothing here would find nothing anywhere. */
const PLANTED: Record<string, Source> = {
  'no subgraph imports another': { path: 'subgraphs/cases/x.ts', text: "import { a } from '../licenses/license.ts';" },
  'imports go down: main, index, resolvers, then workflow, store and domain': {
    path: 'subgraphs/cases/case.ts',
    text: "import { a } from './resolvers.ts';",
  },
  'subgraphs import nothing of gateway, scripts, seeds or tests': {
    path: 'subgraphs/cases/x.ts',
    text: "import { a } from '../../scripts/people.ts';",
  },
  'drizzle only in store, tables and outbox': {
    path: 'subgraphs/cases/case.ts',
    text: "import { eq } from 'drizzle-orm';",
  },
  'graphql and @apollo only at the edge': { path: 'subgraphs/cases/case.ts', text: "import { parse } from 'graphql';" },
  'node-forge only in the signer': {
    path: 'subgraphs/seals/certification-workflow.ts',
    text: "import forge from 'node-forge';",
  },
  'private keys only in the signer': {
    path: 'subgraphs/seals/workflow.ts',
    text: 'const key = createPrivateKey(pem);',
  },
  'the environment is read in main and scripts alone': { path: 'gateway/gateway.ts', text: 'process.env.PORT' },
  'no clock in domain files': { path: 'subgraphs/cases/case.ts', text: 'const now = new Date();' },
  [`files of at most ${FILE_LINES_MOST} lines`]: { path: 'db/x.ts', text: '\n'.repeat(FILE_LINES_MOST + 1) },
  [`functions of at most ${FUNCTION_LINES_MOST} lines`]: {
    path: 'db/x.ts',
    text: `export function a() {\n${'  b();\n'.repeat(FUNCTION_LINES_MOST)}}\n`,
  },
  'no drawers': { path: 'subgraphs/cases/utils.ts', text: '' },
  'the kernel is a closed list': { path: 'subgraphs/kernel/extra.ts', text: '' },
};

describe('each rule catches a planted violation', () => {
  test.each(RULES)('$name', ({ name, breaks }) => {
    const planted = PLANTED[name];
    expect(planted && breaks(planted)).toBe(true);
  });
});

describe('every face is described, and every mutation can be rehearsed', () => {
  const BARE = new Set([
    'PageInfo',
    'Refusal',
    'Mode',
    'HolderCodeKind',
    'Assignment',
    'Delegation',
    'Matter',
    'Organ',
    'Seal',
    'License',
    'Case',
  ]);
  const described = (type: GraphQLNamedType) =>
    BARE.has(type.name) || /(Edge|Connection|Payload|Input|Filter)$/.test(type.name) || Boolean(type.description);

  test.each(SUBGRAPHS)('%s', (name) => {
    const text = readFileSync(join(ROOT, `subgraphs/${name}/schema.graphql`), 'utf8');
    const directives =
      'directive @key(fields: String!, resolvable: Boolean) repeatable on OBJECT\ndirective @shareable on OBJECT | FIELD_DEFINITION\n';
    const schema = buildSchema(directives + text.replace(/extend schema[\s\S]*?\)\n/, ''));
    const own = Object.values(schema.getTypeMap()).filter(
      (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
    );
    const roots = [schema.getQueryType(), schema.getMutationType()];
    const bare = own.filter(
      (type) =>
        !roots.includes(type as never) &&
        !described(type) &&
        (isObjectType(type) || isEnumType(type) || isInterfaceType(type)),
    );
    expect(bare.map((type) => type.name)).toEqual([]);
    const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
    const unrehearsed = mutations.filter((field) => {
      const type = getNamedType(field.args.find((one) => one.name === 'input')?.type);
      return !(isInputObjectType(type) && type.getFields().dryRun);
    });
    expect(unrehearsed.map((field) => field.name)).toEqual([]);
    for (const root of roots) {
      const fields = Object.values(root?.getFields() ?? {});
      expect(fields.filter((field) => !field.description).map((field) => field.name)).toEqual([]);
    }
  });
});
