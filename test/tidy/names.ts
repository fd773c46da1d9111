import { childrenOf, isNode, type SyntaxNode, walk } from './syntax.ts';

/** Free names: what a file uses without declaring or importing it, thus the globals of the language and of Node. */

export interface FreeName {
  name: string;
  node: SyntaxNode;
  /** The node that holds it, for example the call or the `new` expression. */
  parent: SyntaxNode;
}

type Scope = Set<string>;

/** Returns each use of a name that no enclosing scope declares. Types are skipped, since they are erased. */
export function findFreeNames(program: SyntaxNode): FreeName[] {
  const free: FreeName[] = [];
  const visit = (node: SyntaxNode, parent: SyntaxNode, scopes: Scope[]): void => {
    if (node.type.startsWith('TS')) {
      if (isNode(node.expression) && node.type !== 'TSClassImplements') visit(node.expression, parent, scopes);
      return;
    }
    if (node.type === 'Identifier' && !scopes.some((scope) => scope.has(String(node.name)))) {
      free.push({ name: String(node.name), node, parent });
    }
    if (node.type === 'MetaProperty') {
      if ((node.meta as SyntaxNode).name === 'import') free.push({ name: 'import.meta', node, parent });
      return;
    }
    const inner = [...scopes, declaredBy(node)];
    for (const child of childrenOf(node)) if (!isLabel(child, node)) visit(child, node, inner);
  };
  visit(program, program, []);
  return free;
}

/** Whether an identifier only spells a property, a key or the outer name of an import or export. */
function isLabel(node: SyntaxNode, parent: SyntaxNode): boolean {
  switch (parent.type) {
    case 'MemberExpression':
      return node === parent.property && !parent.computed;
    case 'Property':
      // In `{ env }` the key and the value are two nodes at the same place.
      return node === parent.key && !parent.computed;
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return node === parent.key && !parent.computed;
    case 'ImportSpecifier':
      return node === parent.imported;
    case 'ExportSpecifier':
      return node === parent.exported;
    case 'ExportNamedDeclaration':
      return isNode(parent.source);
    case 'ExportAllDeclaration':
    case 'ImportAttribute':
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
      return node.type === 'Identifier';
    default:
      return false;
  }
}

/** Returns the names that a node declares for the nodes below it. */
function declaredBy(node: SyntaxNode): Scope {
  const names = [...boundByHead(node), ...statementsOf(node).flatMap(boundByStatement)];
  return new Set(names);
}

function boundByHead(node: SyntaxNode): string[] {
  switch (node.type) {
    case 'FunctionExpression':
    case 'FunctionDeclaration':
    case 'ArrowFunctionExpression':
      return [node.id, ...(node.params as SyntaxNode[])].flatMap(boundNames).concat('arguments');
    case 'ClassExpression':
    case 'ClassDeclaration':
      return boundNames(node.id);
    case 'CatchClause':
      return boundNames(node.param);
    case 'ForStatement':
      return isNode(node.init) ? boundByStatement(node.init) : [];
    case 'ForOfStatement':
    case 'ForInStatement':
      return boundByStatement(node.left as SyntaxNode);
    default:
      return [];
  }
}

function statementsOf(node: SyntaxNode): SyntaxNode[] {
  if (node.type === 'Program' || node.type === 'BlockStatement') return node.body as SyntaxNode[];
  if (node.type === 'SwitchStatement') {
    return (node.cases as SyntaxNode[]).flatMap((one) => one.consequent as SyntaxNode[]);
  }
  return [];
}

function boundByStatement(node: SyntaxNode): string[] {
  switch (node.type) {
    case 'VariableDeclaration':
      return (node.declarations as SyntaxNode[]).flatMap((one) => boundNames(one.id));
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return boundNames(node.id);
    case 'ImportDeclaration':
      return (node.specifiers as SyntaxNode[]).flatMap((one) => boundNames(one.local));
    case 'ExportNamedDeclaration':
    case 'ExportDefaultDeclaration':
      return isNode(node.declaration) ? boundByStatement(node.declaration) : [];
    default:
      return [];
  }
}

/** Returns the names that a pattern binds: `a`, `{ a, b: c = 1 }`, `[a, ...b]`. */
export function boundNames(pattern: unknown): string[] {
  if (!isNode(pattern)) return [];
  switch (pattern.type) {
    case 'Identifier':
      return [String(pattern.name)];
    case 'ObjectPattern':
      return (pattern.properties as SyntaxNode[]).flatMap((one) => boundNames(one.value ?? one.argument));
    case 'ArrayPattern':
      return (pattern.elements as unknown[]).flatMap(boundNames);
    case 'AssignmentPattern':
      return boundNames(pattern.left);
    case 'RestElement':
      return boundNames(pattern.argument);
    default:
      return [];
  }
}

/** Returns every name that a file declares: variables, parameters, functions, classes, types and their members. */
export function findDeclaredNames(program: SyntaxNode): { name: string; node: SyntaxNode }[] {
  return walk(program).flatMap((node) => {
    const bound = FUNCTIONS_AND_CLASSES.has(node.type) ? boundByHead(node) : boundByDeclaration(node);
    return bound.filter((name) => name !== 'arguments').map((name) => ({ name, node }));
  });
}

const FUNCTIONS_AND_CLASSES = new Set([
  'ArrowFunctionExpression',
  'CatchClause',
  'ClassDeclaration',
  'ClassExpression',
  'FunctionDeclaration',
  'FunctionExpression',
]);

function boundByDeclaration(node: SyntaxNode): string[] {
  switch (node.type) {
    case 'VariableDeclaration':
    case 'ImportDeclaration':
      return boundByStatement(node);
    case 'TSTypeAliasDeclaration':
    case 'TSInterfaceDeclaration':
      return boundNames(node.id);
    case 'TSPropertySignature':
    case 'TSMethodSignature':
    case 'PropertyDefinition':
    case 'MethodDefinition':
      return node.computed ? [] : boundNames(node.key);
    case 'Property':
      return node.computed || node.shorthand ? [] : boundNames(node.key);
    default:
      return [];
  }
}
