import { isWithin, type Rule, type Source } from './sources.ts';
import { type SyntaxNode, walk } from './syntax.ts';

/** What unpacks foreign data has a limit of what comes out. */

const SERVED = ['subgraphs', 'gateway', 'db', 'scripts'];

/** Works on documents of the demo. */
const EXEMPT = ['scripts/demo/tamper.ts'];

const UNPACKERS = /^(inflate|inflateRaw|gunzip|unzip|brotliDecompress|zstdDecompress)(Sync)?$/;

/** Returns each call that unpacks without a limit of what comes out. */
function findUnboundedUnpacking({ path, tree }: Source): string[] {
  if (!isWithin(path, ...SERVED) || EXEMPT.includes(path)) return [];
  return walk(tree.program).flatMap((node) => {
    const { type, callee } = node as SyntaxNode & { callee?: SyntaxNode };
    if (type !== 'CallExpression' || !UNPACKERS.test(nameOf(callee))) return [];
    const options = (node.arguments as SyntaxNode[])[1];
    const names = options ? walk(options).filter((part) => part.type === 'Property') : [];
    const isBounded = names.some(({ key }) => (key as SyntaxNode).name === 'maxOutputLength');
    return isBounded ? [] : [`line ${tree.lineOf(node.start)}: ${nameOf(callee)} without maxOutputLength`];
  });
}

function nameOf(callee: SyntaxNode | undefined): string {
  return String(callee?.name ?? (callee?.property as SyntaxNode | undefined)?.name ?? '');
}

const FILE = 'subgraphs/cases/case.ts';

export const unpackRules: Rule[] = [
  {
    name: 'what is unpacked has a limit',
    findViolations: findUnboundedUnpacking,
    planted: {
      'without options': { [FILE]: 'export const a = (bytes) => inflateSync(bytes);' },
      'with other options': { [FILE]: 'export const a = (bytes) => zlib.gunzipSync(bytes, { level: 9 });' },
    },
  },
];
