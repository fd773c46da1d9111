import { isPure } from './layers.ts';
import { type FreeName, findFreeNames } from './names.ts';
import type { Rule, Source } from './sources.ts';
import { readString, type SyntaxNode, walk } from './syntax.ts';

/**
 * A pure file gives the same answer for the same arguments: no IO, clock, randomness, environment or timer. Both lists
 * are allow-lists, so that a new global or package is refused until somebody has read what it does.
 */

/** Packages and modules of Node that a pure file may load, and the exports it may take. */
const PURE_MODULES: Record<string, readonly string[]> = {
  canonicalize: ['default'],
  'chinese-days/dist/chinese-days.json': ['default'],
  'chinese-days/package.json': ['default'],
  'csv-parse/sync': ['CsvError', 'parse'],
  'ipaddr.js': ['default'],
  'fast-png': ['convertIndexedToRgb', 'decode', 'encode'],
  // Not `jwtVerify` and `SignJWT`, which read the clock unless they are told the time.
  jose: ['calculateJwkThumbprint', 'compactVerify', 'errors', 'flattenedVerify'],
  'node:buffer': ['isUtf8'],
  'node:crypto': [
    'constants',
    'createHash',
    'createHmac',
    'createPublicKey',
    'hash',
    'hkdfSync',
    'timingSafeEqual',
    'verify',
    'X509Certificate',
  ],
  // Only the signer may load it at all. Its ASN.1 is pure, its keys are not.
  'node-forge': ['default'],
  'node:net': ['BlockList', 'isIP'],
  'node:util': ['isDeepStrictEqual'],
  'node:zlib': ['crc32', 'deflateSync', 'inflateRawSync', 'inflateSync'],
  zod: ['z'],
};

const PURE_GLOBALS = new Set([
  'Array',
  'BigInt',
  'Boolean',
  'Buffer',
  'DataView',
  'Error',
  'Intl',
  'JSON',
  'Map',
  'NaN',
  'Number',
  'Object',
  'Promise',
  'RangeError',
  'RegExp',
  'Set',
  'String',
  'Symbol',
  'TextDecoder',
  'TextEncoder',
  'TypeError',
  'URL',
  'URLSearchParams',
  'Uint8Array',
  'WeakMap',
  'decodeURIComponent',
  'encodeURIComponent',
  'undefined',
]);

/** Methods of a `Date` that read the time zone of the process, which is environment. */
const LOCAL_TIME =
  /^(get|set)(FullYear|Month|Date|Day|Hours|Minutes|Seconds|Milliseconds|TimezoneOffset)$|^toLocale(Date|Time)?String$/;

const FILE = 'subgraphs/cases/case.ts';

/** One planted file per way to be impure. */
const IMPURE_TEXTS = {
  'new Date()': 'export const at = new Date();',
  'new Date() in a function': 'export function f() { return [1].map(() => new Date()); }',
  'new (Date)()': 'export const at = new (Date)();',
  'new Date with spread arguments': 'export const at = new Date(...[]);',
  'Date()': 'export const at = Date();',
  'Date.now()': 'export const at = Date.now();',
  "Date['now']()": "export const at = Date['now']();",
  'Date under another name': 'const D = Date; export const at = new D();',
  'Date as an argument': 'export const at = Reflect.construct(Date, []);',
  'now taken out of Date': 'const { now } = Date; export const at = now();',
  'the time zone of the process': 'export const f = (at: Date) => at.getHours();',
  'the locale of the process': 'export const f = (at: Date) => at.toLocaleString();',
  'performance.now()': 'export const at = performance.now();',
  'Math.random()': 'export const x = Math.random();',
  'random taken out of Math': 'const { random } = Math; export const x = random();',
  'crypto.randomUUID()': 'export const id = crypto.randomUUID();',
  'globalThis.crypto': 'export const id = globalThis.crypto.randomUUID();',
  'process.env': 'export const port = process.env.PORT;',
  'process.env by destructuring': 'const { env } = process; export const port = env.PORT;',
  'process.env of globalThis': 'export const port = globalThis.process.env.PORT;',
  fetch: "export const f = () => fetch('http://localhost');",
  setTimeout: 'setTimeout(() => {}, 1);',
  console: "console.log('x');",
  'import.meta': 'export const here = import.meta.dirname;',
  eval: "export const f = () => eval('1');",
  'a global behind a local of another scope': 'export function f(process: number) { return process; }\nprocess.exit();',
  'a default value': 'export function f(now = new Date()) { return now; }',
};

const IMPURE_IMPORTS = {
  'its store': "import { findCase } from './store.ts';\nexport { findCase };",
  'a store by re-export': "export { findCase } from './store.ts';",
  'everything of a store': "export * from './store.ts';",
  'a store for its effects': "import './store.ts';",
  'a type in a way that loads the store': "import { type Row } from './store.ts';\nexport type { Row };",
  'node:fs': "import { readFileSync } from 'node:fs';\nexport { readFileSync };",
  fs: "import fs from 'fs';\nexport { fs };",
  'node:process': "import process from 'node:process';\nexport { process };",
  'randomUUID of node:crypto': "import { randomUUID } from 'node:crypto';\nexport { randomUUID };",
  'randomBytes under another name': "import { randomBytes as draw } from 'node:crypto';\nexport { draw };",
  'the whole of node:crypto': "import * as crypto from 'node:crypto';\nexport { crypto };",
  'the default of node:crypto': "import crypto from 'node:crypto';\nexport { crypto };",
  'node:timers/promises': "import { setTimeout } from 'node:timers/promises';\nexport { setTimeout };",
  'drizzle-orm': "import { eq } from 'drizzle-orm';\nexport { eq };",
  'a package that nobody has read': "import x from 'left-pad';\nexport { x };",
  'a file outside subgraphs': "import { openDatabase } from '../../db/client.ts';\nexport { openDatabase };",
  'a dynamic import': "export const load = () => import('./other.ts');",
  'a computed dynamic import': 'export const load = (path: string) => import(path);',
};

export const purityRules: Rule[] = [
  {
    name: 'a pure file uses no clock, randomness, environment, timer or network',
    findViolations: (source) => (isPure(source.path) ? findImpureNames(source) : []),
    planted: plantEach(IMPURE_TEXTS),
  },
  {
    name: 'a pure file imports pure files and allowed packages only',
    findViolations: (source) => (isPure(source.path) ? findImpureImports(source) : []),
    planted: {
      ...plantEach(IMPURE_IMPORTS),
      'through another pure file': {
        [FILE]: "export { b } from './b.ts';",
        'subgraphs/cases/b.ts': "export { c as b } from './c.ts';",
        'subgraphs/cases/c.ts': "import { readFileSync } from 'node:fs';\nexport const c = readFileSync;",
      },
    },
  },
];

function plantEach(texts: Record<string, string>): Rule['planted'] {
  return Object.fromEntries(Object.entries(texts).map(([kind, text]) => [kind, { [FILE]: text }]));
}

function findImpureNames({ tree }: Source): string[] {
  const names = findFreeNames(tree.program)
    .filter((use) => !isPureUse(use))
    .map(({ name, node }) => `line ${tree.lineOf(node.start)}: ${name}`);
  const methods = walk(tree.program)
    .filter((node) => node.type === 'MemberExpression' && LOCAL_TIME.test(nameOfProperty(node) ?? ''))
    .map((node) => `line ${tree.lineOf(node.start)}: ${nameOfProperty(node)}`);
  return [...names, ...methods];
}

function isPureUse({ name, parent, node }: FreeName): boolean {
  const property = parent.type === 'MemberExpression' && node === parent.object ? nameOfProperty(parent) : undefined;
  if (name === 'Math') return property !== undefined && property !== null && property !== 'random';
  if (name !== 'Date') return PURE_GLOBALS.has(name);
  if (parent.type === 'BinaryExpression') return parent.operator === 'instanceof';
  if (parent.type === 'NewExpression') {
    const [first] = parent.arguments as SyntaxNode[];
    return node === parent.callee && first !== undefined && first.type !== 'SpreadElement';
  }
  return property === 'UTC' || property === 'parse';
}

function nameOfProperty(member: SyntaxNode): string | null {
  const property = member.property as SyntaxNode;
  return member.computed ? readString(property) : String(property.name);
}

function findImpureImports({ imports }: Source): string[] {
  return imports.flatMap(({ target, kind, names }) => {
    if (kind === 'type') return [];
    if (kind === 'dynamic' || target === null) return [`loads ${target} while it runs`];
    // The name of a package may end like a file's.
    if (/\.(ts|js)$/.test(target) && !(target in PURE_MODULES)) return isPure(target) ? [] : [target];
    const allowed = PURE_MODULES[target];
    if (!allowed) return [target];
    return names.filter((name) => !allowed.includes(name)).map((name) => `${name} of ${target}`);
  });
}
