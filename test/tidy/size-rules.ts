import { measureFunctions } from './functions.ts';
import { isWithin, type Rule } from './sources.ts';

/** How long a file and a function may be, and what a folder may not be called. */

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
/** Tests have higher limits: a test is one sequence of steps, and a file shares what is expensive to set up. */
const MAX_TEST_FILE_LINES = 500;
const MAX_TEST_FUNCTION_LINES = 110;
const DRAWERS = /(^|\/)(utils?|helpers?|common|managers?|services?|lib|misc)(\/|\.ts$)/;

const LONG_BODY = '  b();\n'.repeat(MAX_FUNCTION_LINES);

const LONG_TEST_BODY = '  b();\n'.repeat(MAX_TEST_FUNCTION_LINES);

export const sizeRules: Rule[] = [
  {
    name: `files of at most ${MAX_FILE_LINES} lines, of tests ${MAX_TEST_FILE_LINES}`,
    findViolations: ({ path, text }) => {
      const lines = text.split('\n').length - 1;
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
