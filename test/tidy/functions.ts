import { type SyntaxNode, type SyntaxTree, walk } from './syntax.ts';

export interface MeasuredFunction {
  /** Line of its head, from 1. */
  line: number;
  /** From its head to its end, with the functions nested in it: a reader has to read those too. */
  lines: number;
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** Returns every function of a file: declarations, expressions, methods and arrow functions. */
export function measureFunctions({ program, lineOf }: SyntaxTree): MeasuredFunction[] {
  return walk(program)
    .filter(({ type }) => FUNCTIONS.has(type))
    .map(({ start, end }: SyntaxNode) => ({ line: lineOf(start), lines: lineOf(end - 1) - lineOf(start) + 1 }));
}
