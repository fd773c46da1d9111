import { boundNames } from './names.ts';
import { isWithin, type Rule, type Source } from './sources.ts';
import { childrenOf, isNode, readString, type SyntaxNode, walk } from './syntax.ts';

/** No test judges how long something took: a busy machine would make it fail. A minimum may be checked. */

/** The one place that gives up on what never happens. */
const WAIT_HOME = 'test/support/until.ts';
const CLOCKS = new Set(['performance.now', 'Date.now', 'process.hrtime', 'process.uptime']);
const FUNCTIONS = new Set(['ArrowFunctionExpression', 'FunctionExpression', 'FunctionDeclaration']);
const COMPARISONS = new Set(['<', '<=', '>', '>=']);
const UPPER_MATCHERS = new Set(['toBeLessThan', 'toBeLessThanOrEqual', 'toBeCloseTo']);
const LOWER_MATCHERS = new Set(['toBeGreaterThan', 'toBeGreaterThanOrEqual']);
const ADDING_METHODS = new Set(['push', 'unshift', 'add', 'set']);

/** Returns `a.b` for a member of a plain name, else null. */
function readMember(node: SyntaxNode): string | null {
  const { object, property } = node as { object?: SyntaxNode; property?: SyntaxNode };
  if (node.type !== 'MemberExpression' || object?.type !== 'Identifier' || node.computed) return null;
  return `${object.name}.${property?.name}`;
}

const isNow = (node: unknown) =>
  isNode(node) &&
  node.type === 'NewExpression' &&
  (node.callee as SyntaxNode).name === 'Date' &&
  (node.arguments as unknown[]).length === 0;

/** Whether a node is a number that a clock gives. A Date gives one by its methods, and in a difference. */
function isClockRead(node: SyntaxNode): boolean {
  if (node.type === 'MemberExpression') return CLOCKS.has(readMember(node) ?? '') || isNow(node.object);
  return node.type === 'BinaryExpression' && node.operator === '-' && (isNow(node.left) || isNow(node.right));
}

/** Returns a node and every node of its value: no names of properties, no counts, no functions that it holds. */
function walkValue(node: SyntaxNode): SyntaxNode[] {
  if (FUNCTIONS.has(node.type)) return [];
  if (node.type === 'MemberExpression' && !node.computed) {
    const isCount = ['length', 'size'].includes(String((node.property as SyntaxNode).name));
    return isCount ? [] : [node, ...walkValue(node.object as SyntaxNode)];
  }
  if (node.type === 'Property' && !node.computed) return walkValue(node.value as SyntaxNode);
  return [node, ...childrenOf(node).flatMap(walkValue)];
}

const usesAny = (nodes: readonly SyntaxNode[], names: ReadonlySet<unknown>) =>
  nodes.some((node) => isClockRead(node) || (node.type === 'Identifier' && names.has(node.name)));

/** Returns the name that `a`, `a.b` and `a[0].b` begin with. */
function readRoot(node: SyntaxNode): string[] {
  if (node.type === 'MemberExpression') return readRoot(node.object as SyntaxNode);
  return boundNames(node);
}

/** Returns the names that a node gives a value, and that value. Null if it gives none. */
function readAssignment(node: SyntaxNode): { names: string[]; value: SyntaxNode[] } | null {
  switch (node.type) {
    case 'FunctionDeclaration':
      return { names: boundNames(node.id), value: walkValue(node.body as SyntaxNode) };
    case 'VariableDeclarator': {
      if (!isNode(node.init)) return null;
      const value = FUNCTIONS.has(node.init.type) ? (node.init.body as SyntaxNode) : node.init;
      return { names: boundNames(node.id), value: walkValue(value) };
    }
    case 'AssignmentExpression':
      return { names: readRoot(node.left as SyntaxNode), value: walkValue(node.right as SyntaxNode) };
    case 'CallExpression': {
      const { object, property } = node.callee as { object?: SyntaxNode; property?: SyntaxNode };
      if (!object || !ADDING_METHODS.has(String(property?.name))) return null;
      return { names: readRoot(object), value: (node.arguments as SyntaxNode[]).flatMap(walkValue) };
    }
    default:
      return null;
  }
}

/** Returns the names of a file that hold a time that was read from a clock, or were computed from one. */
function findTimes(program: SyntaxNode): Set<unknown> {
  const assignments = walk(program).flatMap((node) => readAssignment(node) ?? []);
  const times = new Set<unknown>();
  for (let size = -1; size < times.size; ) {
    size = times.size;
    for (const { names, value } of assignments) {
      if (usesAny(value, times)) for (const name of names) times.add(name);
    }
  }
  return times;
}

/** Whether a call is a matcher of vitest that holds only below a limit, for a time. */
function isUpperMatch(call: SyntaxNode, times: ReadonlySet<unknown>): boolean {
  const callee = call.callee as SyntaxNode;
  if (call.type !== 'CallExpression' || callee.type !== 'MemberExpression') return false;
  const matcher = String((callee.property as SyntaxNode).name);
  if (!UPPER_MATCHERS.has(matcher) && !LOWER_MATCHERS.has(matcher)) return false;
  const subject = walkValue(callee.object as SyntaxNode);
  const isNegated = subject.some(
    (node) => node.type === 'MemberExpression' && (node.property as SyntaxNode).name === 'not',
  );
  const limitsSubject = UPPER_MATCHERS.has(matcher) !== isNegated;
  return usesAny(limitsSubject ? subject : (call.arguments as SyntaxNode[]).flatMap(walkValue), times);
}

/** Returns the names under which a file has the timers of Node. */
function findTimers(program: SyntaxNode): Set<unknown> {
  const imports = walk(program).filter(
    ({ type, source }) =>
      type === 'ImportDeclaration' && /^(node:)?timers(\/promises)?$/.test(readString(source as SyntaxNode) ?? ''),
  );
  const specifiers = imports.flatMap((node) => node.specifiers as SyntaxNode[]);
  return new Set(['setTimeout', ...specifiers.flatMap(({ local }) => boundNames(local))]);
}

function findUpperBounds({ path, tree }: Source): string[] {
  if (!isWithin(path, 'test') || path === WAIT_HOME) return [];
  const times = findTimes(tree.program);
  const timers = findTimers(tree.program);
  const isUpperBound = (node: SyntaxNode): boolean => {
    if (node.type === 'BinaryExpression')
      return COMPARISONS.has(String(node.operator)) && usesAny(walkValue(node), times);
    if (node.type !== 'CallExpression') return false;
    const callee = readMember(node.callee as SyntaxNode);
    if (callee === 'AbortSignal.timeout') return true;
    if (callee === 'Promise.race')
      return walk(node).some(({ type, name }) => type === 'Identifier' && timers.has(name));
    return isUpperMatch(node, times);
  };
  return walk(tree.program)
    .filter(isUpperBound)
    .map(({ start }) => `line ${tree.lineOf(start)}: a limit on how long something took`);
}

const plant = (...lines: string[]) => ({ 'test/x.test.ts': lines.join('\n') });
const START = 'const start = performance.now();';

export const durationRules: Rule[] = [
  {
    name: 'no test limits how long something took: count work, or let a deadline of the code fire',
    findViolations: findUpperBounds,
    planted: {
      'elapsed time below a limit': plant(START, 'expect(performance.now() - start).toBeLessThan(9);'),
      'at most a limit': plant(START, 'expect(performance.now() - start).toBeLessThanOrEqual(9);'),
      'not above a limit': plant(START, 'expect(performance.now() - start).not.toBeGreaterThan(9);'),
      'a limit above it': plant(START, 'expect(9).toBeGreaterThan(performance.now() - start);'),
      'close to a time': plant('expect(x.time).toBeCloseTo(Date.now());', 'expect(Date.now()).toBeCloseTo(x.time);'),
      'a variable': plant(START, 'const ms = performance.now() - start;', 'expect(ms).toBeLessThan(9);'),
      'a variable that is set later': plant('let ms = 0;', 'ms = Date.now() - ms;', 'expect(ms).toBeLessThan(9);'),
      'a list of times': plant(
        'const times = [];',
        'times.push(performance.now());',
        'expect(times[1] - times[0]).toBeLessThan(9);',
      ),
      'a gap that a function computes': plant(
        'const times = [Date.now()];',
        'const gaps = gapsOf(times);',
        'expect(Math.max(...gaps)).toBeLessThan(9);',
      ),
      'a function that measures': plant(
        'function measure(start) { return performance.now() - start; }',
        'expect(measure(1)).toBeLessThan(9);',
      ),
      'an arrow function that measures': plant(
        'const measure = (start) => performance.now() - start;',
        'expect(measure(1)).toBeLessThan(9);',
      ),
      'the difference of two dates': plant('const start = new Date();', 'expect(new Date() - start).toBeLessThan(9);'),
      'the time of a date': plant('const ms = new Date().getTime() - start;', 'expect(ms).toBeLessThan(9);'),
      'the uptime': plant('expect(process.uptime()).toBeLessThan(9);'),
      nanoseconds: plant('expect(process.hrtime.bigint()).toBeLessThan(9n);'),
      'a comparison': plant(START, 'expect(performance.now() - start < 9).toBe(true);'),
      'a loop with a deadline': plant('const end = Date.now() + 9;', 'while (Date.now() < end) await f();'),
      'support with a deadline': { 'test/support/x.ts': 'if (performance.now() > 9) throw new Error();' },
      'a race against a timer': plant(
        "import { setTimeout as pause } from 'node:timers/promises';",
        "expect(await Promise.race([work, pause(9, 'late')])).toBe('done');",
      ),
      'a race against a global timer': plant('await Promise.race([work, new Promise((end) => setTimeout(end, 9))]);'),
      'a deadline of the test itself': plant('await fetch(url, { signal: AbortSignal.timeout(9) });'),
    },
  },
];
