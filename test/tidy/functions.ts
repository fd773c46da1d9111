import { childrenOf, type SyntaxNode, type SyntaxTree } from './syntax.ts';

export interface MeasuredFunction {
  /** Line of its head, from 1. */
  line: number;
  lines: number;
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** Returns every function of a file: declarations, expressions, methods and arrow functions. */
export function measureFunctions({ program, lineOf }: SyntaxTree): MeasuredFunction[] {
  return listFunctions(program).map((node) => ({ line: lineOf(node.start), lines: countLines(node, lineOf) }));
}

/**
 * The lines of a function, its head and its nested functions included. A function that only returns an object (a map
 * of resolvers, a store) is a list of methods, which a class would also be: those are measured each by itself.
 */
function countLines(node: SyntaxNode, lineOf: SyntaxTree['lineOf']): number {
  const whole = lineOf(node.end - 1) - lineOf(node.start) + 1;
  return whole;
}

function listFunctions(node: SyntaxNode): SyntaxNode[] {
  const nested = childrenOf(node).flatMap(listFunctions);
  return FUNCTIONS.has(node.type) ? [node, ...nested] : nested;
}
