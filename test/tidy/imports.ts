import { dirname, join, normalize } from 'node:path';
import { readString, type SyntaxNode, type SyntaxTree, walk } from './syntax.ts';

export interface Import {
  /** Path from the root for a source file, else the package. Null for a computed dynamic import. */
  target: string | null;
  /**
   * `type` is erased before the file runs. `import { type A }` is not erased: the file is loaded for its effects.
   * `dynamic` is a call of `import()`.
   */
  kind: 'value' | 'type' | 'dynamic';
  /** Exported names that are taken; `*` for a namespace, a re-export of everything or a dynamic import. */
  names: string[];
}

/** Returns what a file imports, re-exports included. */
export function readImports(path: string, { program }: SyntaxTree): Import[] {
  return walk(program).flatMap((node) => {
    if (!IMPORTING.has(node.type) || !node.source) return [];
    const text = readString(node.source as SyntaxNode);
    const target = text?.startsWith('.') ? normalize(join(dirname(path), text)) : text;
    return [{ target, kind: kindOf(node), names: namesOf(node) }];
  });
}

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]);

function kindOf(node: SyntaxNode): Import['kind'] {
  if (node.type === 'ImportExpression') return 'dynamic';
  if (node.type === 'TSImportType') return 'type';
  return node.importKind === 'type' || node.exportKind === 'type' ? 'type' : 'value';
}

function namesOf(node: SyntaxNode): string[] {
  if (node.type !== 'ImportDeclaration' && node.type !== 'ExportNamedDeclaration') return ['*'];
  return (node.specifiers as SyntaxNode[]).flatMap((specifier) => {
    if (specifier.type === 'ImportDefaultSpecifier') return ['default'];
    if (specifier.type === 'ImportNamespaceSpecifier') return ['*'];
    if (specifier.importKind === 'type' || specifier.exportKind === 'type') return [];
    const outside = (specifier.type === 'ExportSpecifier' ? specifier.local : specifier.imported) as SyntaxNode;
    return [String(outside.name ?? outside.value)];
  });
}
