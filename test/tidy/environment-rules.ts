import { findFreeNames } from './names.ts';
import { isWithin, type Rule, type Source } from './sources.ts';
import { readString, type SyntaxNode } from './syntax.ts';

/** Where the environment is read. */

function findEnvironment({ tree, imports }: Source): string[] {
  const uses = findFreeNames(tree.program).filter(({ name, node, parent }) => {
    if (name === 'globalThis') return true;
    if (name !== 'process') return false;
    // `process` by itself may be taken apart later, so that only its use as an object of other members is free.
    if (parent.type !== 'MemberExpression' || parent.object !== node) return true;
    const property = parent.property as SyntaxNode;
    return (parent.computed ? readString(property) : property.name) === 'env';
  });
  const modules = imports.filter(({ target }) => target === 'node:process' || target === 'process');
  return [
    ...uses.map(({ name, node }) => `line ${tree.lineOf(node.start)}: ${name}`),
    ...modules.map(({ target }) => `imports ${target}`),
  ];
}

/** A path in the data folder, as a text. The table of variables alone says where that folder is by default. */
const DATA_PATH = /['"`](?:\.{0,2}\/)*data\/[^'"`]*/g;

function findDataPaths({ path, text }: Source): string[] {
  const isProgram = ['scripts', 'gateway', 'subgraphs', 'db'].some((folder) => isWithin(path, folder));
  if (!isProgram || !path.endsWith('.ts') || path === 'subgraphs/kernel/environment/variables.ts') return [];
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '');
  return [...code.matchAll(DATA_PATH)].map(([found]) => `path ${found.slice(1)}`);
}

const FILE = 'gateway/gateway.ts';

export const environmentRules: Rule[] = [
  {
    name: 'the environment is read in kernel/environment/read alone',
    findViolations: (source) => {
      const mayRead =
        source.path === 'subgraphs/kernel/environment/read.ts' ||
        isWithin(source.path, 'test') ||
        source.path.endsWith('.js');
      return mayRead ? [] : findEnvironment(source);
    },
    planted: {
      'process.env': { [FILE]: 'export const port = process.env.PORT;' },
      "process['env']": { [FILE]: "export const port = process['env'].PORT;" },
      'by destructuring': { [FILE]: 'const { env } = process;\nexport const port = env.PORT;' },
      'by deep destructuring': { [FILE]: 'const { env: { PORT } } = process;\nexport const port = PORT;' },
      'under another name': { [FILE]: 'const p = process;\nexport const port = p.env.PORT;' },
      'of globalThis': { [FILE]: 'export const port = globalThis.process.env.PORT;' },
      'by import': { [FILE]: "import process from 'node:process';\nexport const port = process.env.PORT;" },
      'by a named import': { [FILE]: "import { env } from 'node:process';\nexport const port = env.PORT;" },
      'in a main': { 'gateway/main.ts': 'export const port = process.env.PORT;' },
      'in a script': { 'scripts/start.ts': 'export const port = process.env.PORT;' },
      'in a store': { 'subgraphs/cases/store.ts': 'export const port = process.env.PORT;' },
    },
  },
  {
    name: 'the data folder is DATA_FOLDER',
    findViolations: findDataPaths,
    planted: {
      'in the folder of the project': {
        'scripts/x.ts': "export const url = new URL('../../data/x.json', import.meta.url);",
      },
      'in the working directory': { 'scripts/x.ts': "export const path = 'data/x.json';" },
      'in a template': { 'scripts/x.ts': 'export const path = `./data/x.json`;' },
    },
  },
];
