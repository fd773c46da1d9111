import { checkSync } from 'recheck';
import type { Sources } from './sources.ts';
import { isNode, readString, type SyntaxNode, walk } from './syntax.ts';

/** The regular expressions of a file, and what each costs in the worst case. */

export interface Expression {
  /** Line of the expression, from 1. */
  line: number;
  /** Null if it is put together from what is known only at run time. */
  pattern: string | null;
  flags: string;
}

/** Methods of a string that make an expression of a text. */
const MATCHING_METHODS = new Set(['match', 'matchAll', 'search']);

/** Returns the literals, the calls of `RegExp`, and the texts that a method of a string takes as an expression. */
export function listExpressions(path: string, sources: Sources): Expression[] {
  const source = sources.get(path);
  if (!source) return [];
  const constants = new Constants(path, sources);
  return walk(source.tree.program).flatMap((node) => {
    const line = source.tree.lineOf(node.start);
    if (node.type === 'Literal' && node.regex) {
      return [{ line, ...(node.regex as { pattern: string; flags: string }) }];
    }
    const [text, flags] = (node.arguments as SyntaxNode[] | undefined) ?? [];
    if (isRegExpCall(node)) {
      // A copy of an expression is as fast as the expression.
      if (text?.type === 'Literal' && text.regex) return [];
      return [{ line, pattern: constants.read(text), flags: flags ? (constants.read(flags) ?? '') : '' }];
    }
    const pattern = isMatchingCall(node) ? readString(text) : null;
    return pattern === null ? [] : [{ line, pattern, flags: '' }];
  });
}

function isRegExpCall({ type, callee }: SyntaxNode): boolean {
  return (type === 'NewExpression' || type === 'CallExpression') && isNode(callee) && callee.name === 'RegExp';
}

function isMatchingCall({ type, callee }: SyntaxNode): boolean {
  if (type !== 'CallExpression' || !isNode(callee) || callee.type !== 'MemberExpression') return false;
  return isNode(callee.property) && MATCHING_METHODS.has(String(callee.property.name));
}

/** Computes texts from literals, templates, sums, `String.raw`, `[…].join(…)` and constants, also imported ones. */
class Constants {
  readonly #path: string;
  readonly #sources: Sources;

  constructor(path: string, sources: Sources) {
    this.#path = path;
    this.#sources = sources;
  }

  /** Returns the value as a text, or null if it is known only at run time. */
  read(node: SyntaxNode | undefined): string | null {
    const value = node ? this.#compute(node) : null;
    return value === null ? null : String(value);
  }

  #compute(node: SyntaxNode): string | number | null {
    if (node.type === 'Literal') {
      return typeof node.value === 'string' || typeof node.value === 'number' ? node.value : null;
    }
    if (node.type === 'TemplateLiteral') return this.#join(node, 'cooked');
    if (node.type === 'TaggedTemplateExpression') return this.#join(node.quasi as SyntaxNode, 'raw');
    if (node.type === 'BinaryExpression') return this.#calculate(node);
    if (node.type === 'CallExpression') return this.#joinList(node);
    return node.type === 'Identifier' ? this.#findConstant(String(node.name)) : null;
  }

  #join({ quasis, expressions }: SyntaxNode, form: 'cooked' | 'raw'): string | null {
    const parts = (quasis as { value: Record<'cooked' | 'raw', string> }[]).map(({ value }) => value[form]);
    const values = (expressions as SyntaxNode[]).map((expression) => this.read(expression));
    if (values.includes(null)) return null;
    return parts.map((part, index) => part + (values[index] ?? '')).join('');
  }

  #calculate({ operator, left, right }: SyntaxNode): string | number | null {
    const [a, b] = [this.#compute(left as SyntaxNode), this.#compute(right as SyntaxNode)];
    if (a === null || b === null) return null;
    if (operator === '+') return typeof a === 'number' && typeof b === 'number' ? a + b : `${a}${b}`;
    return operator === '*' ? Number(a) * Number(b) : null;
  }

  #joinList({ callee, arguments: values }: SyntaxNode): string | null {
    const [separator] = values as SyntaxNode[];
    const { object, property } = callee as SyntaxNode & { object?: SyntaxNode; property?: SyntaxNode };
    if (object?.type !== 'ArrayExpression' || property?.name !== 'join' || !separator) return null;
    const parts = (object.elements as SyntaxNode[]).map((element) => this.read(element));
    return parts.includes(null) ? null : parts.join(this.read(separator) ?? ',');
  }

  #findConstant(name: string): string | number | null {
    const source = this.#sources.get(this.#path);
    if (!source) return null;
    const declaration = walk(source.tree.program)
      .filter(({ type, kind }) => type === 'VariableDeclaration' && kind === 'const')
      .flatMap(({ declarations }) => declarations as SyntaxNode[])
      .find(({ id }) => isNode(id) && id.name === name);
    if (declaration) return isNode(declaration.init) ? this.#compute(declaration.init) : null;
    const home = source.imports.find(({ names, target }) => target !== null && names.includes(name));
    return home?.target ? new Constants(home.target, this.#sources).#findConstant(name) : null;
  }
}

/** Deadline of one proof, milliseconds. Without the checker's native build a long one takes 10 seconds. */
const PROOF_DEADLINE_MS = 60_000;
const verdicts = new Map<string, string | null>();

/**
 * Returns why an expression is not linear in the length of its text, or null if it is. The checker proves it by an
 * automaton. Where counted repetitions or lookarounds make that too large, it searches for a text that is slow.
 */
export function findCost(pattern: string, flags: string): string | null {
  // One match costs the same, however many are wanted.
  const flagsOfMatch = flags.replaceAll('g', '');
  const key = `/${pattern}/${flagsOfMatch}`;
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const cost = proveLinear(pattern, flagsOfMatch);
  verdicts.set(key, cost);
  return cost;
}

/** A search measures time, so a busy machine can mislead it. A slow text that it finds must be found this often. */
const SEARCHES = 3;

function proveLinear(pattern: string, flags: string): string | null {
  let diagnostics = checkSync(pattern, flags, { timeout: PROOF_DEADLINE_MS });
  for (let i = 1; i < SEARCHES && diagnostics.status !== 'safe' && diagnostics.checker === 'fuzz'; i++) {
    diagnostics = checkSync(pattern, flags, { timeout: PROOF_DEADLINE_MS, randomSeed: i });
  }
  if (diagnostics.status === 'safe') return null;
  if (diagnostics.status === 'unknown') return `undecided (${diagnostics.error.kind})`;
  return `${diagnostics.complexity.summary} on ${diagnostics.attack.pattern}`.slice(0, 200);
}
