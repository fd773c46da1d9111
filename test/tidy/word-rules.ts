import { findDeclaredNames } from './names.ts';
import type { Rule, Source } from './sources.ts';

/** Names that say nothing of the field, and lines that are too long to read. */

const MAX_LINE_CHARS = 120;

/** Names that the code got rid of: participles, pronouns and pictures. CONTRIBUTING.md tells how to name instead. */
const FORBIDDEN_NAMES = new Set([
  'asked',
  'beside',
  'desk',
  'house',
  'mine',
  'misfit',
  'misfits',
  'most',
  'pen',
  'said',
  'same',
  'says',
  'told',
]);
/** A limit is `MAX_…` or `max…`. */
const FORBIDDEN_LIMIT = /_MOST$|^MOST_|[a-z](Most|Least)$/;
/** Positions, not limits. */
const POSITIONS = new Set(['atLeast', 'atMost', 'isAtLeast', 'isAtMost']);

function isForbidden(name: string): boolean {
  return FORBIDDEN_NAMES.has(name.toLowerCase()) || (FORBIDDEN_LIMIT.test(name) && !POSITIONS.has(name));
}

function findForbiddenNames({ tree }: Source): string[] {
  return findDeclaredNames(tree.program)
    .filter(({ name }) => isForbidden(name))
    .map(({ name, node }) => `line ${tree.lineOf(node.start)}: ${name}`);
}

const isLong = (line: string) => [...line].length > MAX_LINE_CHARS;

function findLongComments({ path, text, tree }: Source): string[] {
  if (path.endsWith('.md')) return [];
  const lines = text.split('\n');
  const commented = path.endsWith('.css')
    ? lines.map((_, index) => index + 1)
    : tree.comments.flatMap((comment) => comment.text.split('\n').map((_, index) => comment.line + index));
  return commented.filter((line) => isLong(lines[line - 1] ?? '')).map((line) => `line ${line}`);
}

/** Returns the long lines of a document. Tables, code and what cannot be broken (an address) are free. */
function findLongProse({ path, text }: Source): string[] {
  if (!path.endsWith('.md')) return [];
  let isCode = false;
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*```/.test(line)) isCode = !isCode;
    if (isCode || /^\s*\|/.test(line) || !isLong(line.replaceAll(/\S{60,}/g, ''))) return [];
    return [`line ${index + 1}`];
  });
}

const LONG_TEXT = 'a word '.repeat(20);

export const wordRules: Rule[] = [
  {
    name: 'names are nouns and verbs of the field',
    findViolations: findForbiddenNames,
    planted: {
      'a variable': { 'test/x.ts': 'export const said = 1;' },
      'a variable by destructuring': { 'test/x.ts': 'export const { a: told } = { a: 1 };' },
      'a parameter': { 'db/x.ts': 'export const f = (asked: number) => asked;' },
      'a parameter with a default': { 'db/x.ts': 'export function f({ beside = 1 }) { return beside; }' },
      'a function': { 'db/x.ts': 'export function misfits() {}' },
      'a type': { 'db/x.ts': 'export type Asked = 1;' },
      'an interface': { 'db/x.ts': 'export interface Desk { a: 1 }' },
      'a member of a type': { 'db/x.ts': 'export interface A { told: 1 }' },
      'a member of an object': { 'db/x.ts': 'export const a = { said: 1 };' },
      'a method': { 'db/x.ts': 'export class A { asked() {} }' },
      'an import under another name': { 'db/x.ts': "import { a as pen } from './y.ts';\npen();" },
      'a limit': { 'db/x.ts': 'export const REASON_MOST = 1;' },
      'a limit the other way round': { 'db/x.ts': 'export const MOST_LINES = 1;' },
      'a limit in a type': { 'db/x.ts': 'export interface A { rsaBitsMost: number }' },
      'a page': { 'gateway/page/static/x.js': 'const said = 1;\nf(said);' },
    },
  },
  {
    name: `lines of comments of at most ${MAX_LINE_CHARS} characters`,
    findViolations: findLongComments,
    planted: {
      'a line': { 'db/x.ts': `// ${LONG_TEXT}` },
      'a line after code': { 'db/x.ts': `f(); // ${LONG_TEXT}` },
      'a docstring': { 'db/x.ts': `/** ${LONG_TEXT} */\nexport const a = 1;` },
      'a line of a docstring': { 'db/x.ts': `/**\n * short\n * ${LONG_TEXT}\n */\nexport const a = 1;` },
      'a page': { 'gateway/page/static/x.js': `// ${LONG_TEXT}` },
      'a style sheet': { 'gateway/page/static/x.css': `/* ${LONG_TEXT} */` },
    },
  },
  {
    name: `lines of documents of at most ${MAX_LINE_CHARS} characters`,
    findViolations: findLongProse,
    planted: {
      'a paragraph': { 'docs/x.md': LONG_TEXT },
      'an item': { 'README.md': `- ${LONG_TEXT}` },
      'after code': { 'docs/x.md': `\`\`\`\ncode\n\`\`\`\n${LONG_TEXT}` },
      'words around an address': { 'docs/x.md': `${LONG_TEXT} https://example.org/` },
    },
  },
];
