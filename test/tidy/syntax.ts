import { parseSync } from 'oxc-parser';

/** The syntax tree of a file, reduced to what the rules ask: imports, functions, free names, comments. */

/** A node of an ESTree with TypeScript nodes. */
export interface SyntaxNode {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

export interface SourceComment {
  text: string;
  /** Line of its first character, from 1. */
  line: number;
}

export interface SyntaxTree {
  program: SyntaxNode;
  comments: SourceComment[];
  lineOf(offset: number): number;
}

/** Parses a TypeScript or JavaScript file. Throws if it has a syntax error. */
export function parseSource(path: string, text: string): SyntaxTree {
  const { program, comments, errors } = parseSync(path, text, { sourceType: 'module', preserveParens: false });
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  const lineOf = (offset: number) => {
    const next = lineStarts.findIndex((start) => start > offset);
    return next < 0 ? lineStarts.length : next;
  };
  return {
    program: program as unknown as SyntaxNode,
    comments: comments.map(({ value, start }) => ({ text: value, line: lineOf(start) })),
    lineOf,
  };
}

/** Returns the nodes directly below a node, in the order of the source. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  return Object.values(node).flatMap((value) => {
    if (Array.isArray(value)) return value.filter(isNode);
    return isNode(value) ? [value] : [];
  });
}

/** Returns a node and every node below it. */
export function walk(node: SyntaxNode): SyntaxNode[] {
  return [node, ...childrenOf(node).flatMap(walk)];
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';
}

/** Returns the value of a string literal, or of a template without expressions. Null for any other node. */
export function readString(node: SyntaxNode | null | undefined): string | null {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type !== 'TemplateLiteral') return null;
  const quasis = node.quasis as { value: { cooked: string } }[];
  return quasis.length === 1 ? (quasis[0]?.value.cooked ?? null) : null;
}
