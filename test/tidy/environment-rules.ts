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
];
