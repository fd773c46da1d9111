import { type SyntaxNode, type SyntaxTree, walk } from './syntax.ts';

export interface MeasuredFunction {
  /** Line of its head, from 1. */
  line: number;
  /** From its head to its end, with the functions nested in it: a reader has to read those too. */
  lines: number;
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/**
 * Returns every function of a file: declarations, expressions, methods and arrow functions. Not what `describe` takes:
 * it is a group of tests, and each of its tests is measured by itself.
 */
export function measureFunctions({ program, lineOf }: SyntaxTree): MeasuredFunction[] {
  const nodes = walk(program);
  const describeBodies = new Set(nodes.filter(isDescribe).flatMap((call) => call.arguments as SyntaxNode[]));
  return nodes
    .filter((node) => FUNCTIONS.has(node.type) && !describeBodies.has(node))
    .map(({ start, end }: SyntaxNode) => ({ line: lineOf(start), lines: lineOf(end - 1) - lineOf(start) + 1 }));
}

/** Whether a node is a call of `describe`, `describe.each(…)` or another of its forms. */
function isDescribe(node: SyntaxNode): boolean {
  if (node.type !== 'CallExpression') return false;
  let callee = node.callee as SyntaxNode;
  for (;;) {
    const inner = callee.object ?? callee.callee ?? callee.tag;
    if (!inner) return callee.name === 'describe';
    callee = inner as SyntaxNode;
  }
}
