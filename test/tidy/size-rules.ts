import { measureFunctions } from './functions.ts';
import { isWithin, type Rule, type Source, type Sources } from './sources.ts';

/** How long a file, a function and a module may be, and what a folder may not be called. */

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
/** Tests have higher limits: a test is one sequence of steps, and a file shares what is expensive to set up. */
const MAX_TEST_FILE_LINES = 500;
const MAX_TEST_FUNCTION_LINES = 110;
/** A module is what is directly in a folder: its rooms are modules of their own. */
const MAX_MODULE_LINES = 1500;
const DRAWERS = /(^|\/)(utils?|helpers?|common|managers?|services?|lib|misc)(\/|\.ts$)/;

const MODULE_HOMES = ['subgraphs', 'gateway', 'scripts'];

/** Builds a folder of files that are each short enough, and together one line too long. */
function plantModule(folder: string, ending = 'ts'): Record<string, string> {
  const part = '\n'.repeat(MAX_MODULE_LINES / 5);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const files = names.map((name): [string, string] => [`${folder}/${name}.${ending}`, part]);
  return { ...Object.fromEntries(files), [`${folder}/f.${ending}`]: '\n' };
}

const LONG_BODY = '  b();\n'.repeat(MAX_FUNCTION_LINES);

const LONG_TEST_BODY = '  b();\n'.repeat(MAX_TEST_FUNCTION_LINES);

const countLines = ({ text }: Source): number => text.split('\n').length - 1;

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** Returns the code directly in the folder of a file. Style sheets and documents are not code. */
function findModule({ path }: Source, sources: Sources): Source[] {
  return [...sources.values()].filter(
    (other) => /\.(ts|js)$/.test(other.path) && folderOf(other.path) === folderOf(path),
  );
}

export const sizeRules: Rule[] = [
  {
    name: `files of at most ${MAX_FILE_LINES} lines, of tests ${MAX_TEST_FILE_LINES}`,
    findViolations: (source) => {
      const { path } = source;
      const lines = countLines(source);
      const limit = isWithin(path, 'test') ? MAX_TEST_FILE_LINES : MAX_FILE_LINES;
      return lines > limit && !path.endsWith('.md') ? [`${lines} lines`] : [];
    },
    planted: {
      'a file of 401 lines': { 'db/x.ts': '\n'.repeat(MAX_FILE_LINES + 1) },
      'a file of tests of 501 lines': { 'test/x.test.ts': '\n'.repeat(MAX_TEST_FILE_LINES + 1) },
      'a style sheet of 401 lines': { 'gateway/page/static/x.css': '\n'.repeat(MAX_FILE_LINES + 1) },
    },
  },
  {
    name: `modules of at most ${MAX_MODULE_LINES} lines: what is directly in a folder`,
    findViolations: (source, sources) => {
      if (!isWithin(source.path, ...MODULE_HOMES)) return [];
      const files = findModule(source, sources);
      const lines = files.reduce((sum, file) => sum + countLines(file), 0);
      // Once for a folder, with its first file.
      return lines > MAX_MODULE_LINES && files[0] === source ? [`${folderOf(source.path)} has ${lines} lines`] : [];
    },
    planted: {
      'a room of a subgraph': plantModule('subgraphs/cases/x'),
      'a subgraph, without its rooms': plantModule('subgraphs/cases'),
      'a page of the gateway': plantModule('gateway/page/static', 'js'),
      'a folder of commands': plantModule('scripts/x'),
    },
  },
  {
    name: `functions of at most ${MAX_FUNCTION_LINES} lines, in tests ${MAX_TEST_FUNCTION_LINES}`,
    findViolations: ({ path, tree }) => {
      const limit = isWithin(path, 'test') ? MAX_TEST_FUNCTION_LINES : MAX_FUNCTION_LINES;
      return measureFunctions(tree)
        .filter(({ lines }) => lines > limit)
        .map(({ line, lines }) => `the function at line ${line} has ${lines} lines`);
    },
    planted: {
      'a function': { 'db/x.ts': `export function a() {\n${LONG_BODY}}\n` },
      'an async function': { 'db/x.ts': `export async function a() {\n${LONG_BODY}}\n` },
      'a generator': { 'db/x.ts': `export function* a() {\n${LONG_BODY}}\n` },
      'a function within a function': { 'db/x.ts': `export function a() { function c() {\n${LONG_BODY}} c(); }\n` },
      'a default export': { 'db/x.ts': `export default function () {\n${LONG_BODY}}\n` },
      'a function expression': { 'db/x.ts': `export const a = function () {\n${LONG_BODY}};\n` },
      'an arrow function': { 'db/x.ts': `export const a = () => {\n${LONG_BODY}};\n` },
      'an arrow function of one expression': { 'db/x.ts': `export const a = () => [${'\n1,'.repeat(92)}];\n` },
      'an arrow function as an argument': { 'db/x.ts': `[1].map((x) => {\n${LONG_BODY}});\n` },
      'a method': { 'db/x.ts': `export class A {\n  a() {\n${LONG_BODY}}\n}\n` },
      'a static private method': { 'db/x.ts': `export class A {\n  static #a() {\n${LONG_BODY}}\n}\n` },
      'a constructor': { 'db/x.ts': `export class A {\n  constructor() {\n${LONG_BODY}}\n}\n` },
      'a getter': { 'db/x.ts': `export class A {\n  get a() {\n${LONG_BODY}return 1;}\n}\n` },
      'a method of an object': { 'db/x.ts': `export const a = { async b() {\n${LONG_BODY}} };\n` },
      'an arrow function in a class': { 'db/x.ts': `export class A {\n  a = () => {\n${LONG_BODY}};\n}\n` },
      'a test': { 'test/x.test.ts': `test('a', async () => {\n${LONG_TEST_BODY}});\n` },
      'a test within a describe': {
        'test/x.test.ts': `describe('b', () => {\ntest('a', () => {\n${LONG_TEST_BODY}});\n});\n`,
      },
      'a function of a page': { 'gateway/page/static/x.js': `function a() {\n${LONG_BODY}}\na();\n` },
    },
  },
  {
    name: 'no files named utils, helpers, common',
    findViolations: ({ path }) =>
      !isWithin(path, 'test') && DRAWERS.test(path) ? ['says nothing of what it holds'] : [],
    planted: {
      'a file': { 'subgraphs/cases/utils.ts': '' },
      'a folder': { 'subgraphs/cases/common/text.ts': '' },
    },
  },
];
