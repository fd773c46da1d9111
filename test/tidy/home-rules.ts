import { findFreeNames } from './names.ts';
import { isWithin, type Rule, type Source } from './sources.ts';
import { childrenOf, isNode, type SyntaxNode, walk } from './syntax.ts';

/** Ideas that have one home: everybody else uses it. */

/** Scripts of the public pages: they run in a browser. */
const BROWSER = 'gateway/page/static';

/** Returns each use of a global function outside of the files that may use it. */
function findGlobal(name: string, folders: string[], homes: string[]) {
  return ({ path, tree }: Source): string[] => {
    if (!isWithin(path, ...folders) || isWithin(path, BROWSER) || homes.includes(path)) return [];
    const uses = findFreeNames(tree.program).filter((use) => use.name === name);
    return uses.map(({ node }) => `line ${tree.lineOf(node.start)}: ${name}`);
  };
}

const isNamed = (node: unknown, ...names: string[]): boolean =>
  isNode(node) && node.type === 'Identifier' && names.includes(node.name as string);

/** Returns whether a node is a call of `inOrder`, or of a function of Promise that takes a list. */
function isListCall(node: SyntaxNode, kind: 'inOrder' | 'Promise'): boolean {
  if (node.type !== 'CallExpression') return false;
  const callee = node.callee as SyntaxNode;
  if (kind === 'inOrder') return isNamed(callee, 'inOrder');
  return callee.type === 'MemberExpression' && isNamed(callee.object, 'Promise');
}

/** Returns every node below that is not within a function of its own. */
function walkOutside(node: SyntaxNode): SyntaxNode[] {
  const isFunction = node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression';
  return isFunction ? [] : [node, ...childrenOf(node).flatMap(walkOutside)];
}

/** Statements of a transaction in a list of promises: they have started by the time the list is built. */
function findStartedStatements({ tree }: Source): string[] {
  return walk(tree.program)
    .filter((node) => isListCall(node, 'Promise'))
    .filter((call) => (call.arguments as SyntaxNode[]).some((list) => walk(list).some((node) => isNamed(node, 'tx'))))
    .map((call) => `line ${tree.lineOf(call.start)}: statements of a transaction in Promise`);
}

/** A list of `inOrder` holds functions that take their own handle: nothing in it may use `tx` outside of one. */
function findForeignHandles({ tree }: Source): string[] {
  return walk(tree.program)
    .filter((node) => isListCall(node, 'inOrder'))
    .flatMap((call) => {
      const [, list] = call.arguments as SyntaxNode[];
      if (!list) return [];
      const started = walkOutside(list).filter((node) => isNamed(node, 'tx'));
      const foreign = walk(list).filter(
        ({ type, params, body }) =>
          type === 'ArrowFunctionExpression' &&
          !(params as SyntaxNode[]).some((param) => isNamed(param, 'tx')) &&
          walk(body as SyntaxNode).some((node) => isNamed(node, 'tx')) &&
          childrenOf(list).some((item) => walk(item).some(({ start }) => start === (body as SyntaxNode).start)),
      );
      return [...started, ...foreign].map((node) => `line ${tree.lineOf(node.start)}: the handle of another function`);
    });
}

const COLUMNS = 'subgraphs/kernel/columns.ts';

/** Builders of columns that have one definition. */
const COLUMN_BUILDERS = new Set(['bigint', 'customType', 'date', 'timestamp', '*']);

/** Returns the column builders that a file takes from drizzle instead of from kernel/columns. */
function findOwnColumns({ path, imports }: Source): string[] {
  if (path === COLUMNS) return [];
  const builders = imports.filter(({ target }) => target === 'drizzle-orm/pg-core').flatMap(({ names }) => names);
  return builders.filter((name) => COLUMN_BUILDERS.has(name));
}

/** The reference library answers in the format of the city's library. */
const APP_HOMES = ['subgraphs/kernel/http/http.ts', 'scripts/city-library/app.ts'];

/** A Fastify app that is not made by `createApp` would answer errors with Fastify's own bodies. */
function findOwnApps({ path, imports }: Source): string[] {
  if (APP_HOMES.includes(path) || isWithin(path, 'test')) return [];
  return imports.flatMap(({ target, kind, names }) =>
    target === 'fastify' && kind !== 'type' && names.some((name) => name === 'default' || name === '*')
      ? ['makes its own Fastify app']
      : [],
  );
}

/** What judges characters by another rule: documents know fonts, notes and old licenses have a format of their own. */
const TEXT_HOMES = ['subgraphs/kernel/text.ts', 'subgraphs/kernel/pdf/document.ts', 'subgraphs/kernel/tlog/note.ts'];
const CHARACTER_CLASS = /\\p\{C[cfnos]?\}|\\p\{Z[lp]\}|\\u0000-|\\x00-|\.isWellFormed\(/;

/** Returns each line that judges which characters a text may have. */
function findOwnTextRules({ path, text }: Source): string[] {
  if (!isWithin(path, 'subgraphs') || isWithin(path, 'subgraphs/licenses/verify') || TEXT_HOMES.includes(path))
    return [];
  return text.split('\n').flatMap((line, i) => (CHARACTER_CLASS.test(line) ? [`line ${i + 1}`] : []));
}

const PLACE = 'subgraphs/kernel/organ/place.ts';
const PERSONS = ['actor', 'caller', 'clerk', 'decider', 'person', 'reader', 'sender'];

const isOrganOfPerson = (node: unknown): boolean =>
  isNode(node) &&
  node.type === 'MemberExpression' &&
  isNamed(node.object, ...PERSONS) &&
  isNamed(node.property, 'organ');
const isNull = (node: unknown) => isNode(node) && node.type === 'Literal' && node.value === null;
const EQUALITIES = ['===', '!=='];

/** Whether a node compares the organ of a person with another one: a person may act for a former organ, too. */
function comparesPlace(node: SyntaxNode): boolean {
  const { type, left, right, operator, callee, arguments: given, key, value } = node;
  if (type === 'BinaryExpression' && EQUALITIES.includes(operator as string))
    return (isOrganOfPerson(left) && !isNull(right)) || (isOrganOfPerson(right) && !isNull(left));
  if (type === 'CallExpression' && isNode(callee) && isNamed(callee.property, 'includes'))
    return (given as SyntaxNode[]).some(isOrganOfPerson);
  // A place of a policy that takes the organ out of its person.
  if (type !== 'Property' || !isNamed(key, 'includes') || !isNode(value)) return false;
  const [, person] = (value.params as SyntaxNode[] | undefined) ?? [];
  return person?.type === 'ObjectPattern' && walk(person).some((inner) => isNamed(inner.key, 'organ'));
}

function findComparedPlaces({ path, tree }: Source): string[] {
  if (!isWithin(path, 'subgraphs', 'gateway') || path === PLACE) return [];
  return walk(tree.program).flatMap((node) => (comparesPlace(node) ? [`line ${tree.lineOf(node.start)}`] : []));
}

const DAY_SCHEMAS = 'subgraphs/kernel/day-schema.ts';

/** Returns each schema of a day or an instant that is not one of kernel/day-schema: zod's own take the year 0. */
function findOwnDaySchemas({ path, tree }: Source): string[] {
  if (!isWithin(path, 'subgraphs', 'gateway', 'db', 'seeds') || path === DAY_SCHEMAS) return [];
  return walk(tree.program).flatMap((node) => {
    const { type, property, imported, start } = node;
    const isOwn =
      (type === 'MemberExpression' && isNamed(property, 'iso', 'datetime')) ||
      (type === 'Property' && isNamed(node.key, 'iso')) ||
      (type === 'ImportSpecifier' && isNamed(imported, 'iso'));
    return isOwn ? [`line ${tree.lineOf(start)}: a schema of a day or an instant`] : [];
  });
}

const UNTYPED = new Set(['TSUnknownKeyword', 'TSAnyKeyword']);

/** The type that a parameter is annotated with, or null. A parameter with a default holds it on its left side. */
function annotationOf(parameter: SyntaxNode): SyntaxNode | null {
  const target = parameter.type === 'AssignmentPattern' ? (parameter.left as SyntaxNode) : parameter;
  const annotation = target.typeAnnotation as SyntaxNode | null | undefined;
  return annotation ? (annotation.typeAnnotation as SyntaxNode) : null;
}

/** Returns each resolver whose parameters have types written by hand, and each parameter that may be anything. */
function findOwnResolverTypes({ path, tree }: Source): string[] {
  if (!isWithin(path, 'subgraphs') || !/resolvers\.ts$/.test(path)) return [];
  const nodes = walk(tree.program);
  const functions = nodes.filter(({ params }) => Array.isArray(params));
  const resolvers = new Set(nodes.flatMap(({ type, value }) => (type === 'Property' && isNode(value) ? [value] : [])));
  return functions.flatMap((node) => {
    const annotations = (node.params as SyntaxNode[]).map(annotationOf).filter((type) => type !== null);
    const isTypedByHand = resolvers.has(node)
      ? annotations.length > 0
      : annotations.some(({ type }) => UNTYPED.has(type));
    return isTypedByHand ? [`line ${tree.lineOf(node.start)}: types that the schema generates`] : [];
  });
}

const TABLES = 'subgraphs/cases/tables.ts';
const RESOLVERS = 'subgraphs/cases/material/resolvers.ts';
const FILE = 'subgraphs/cases/store.ts';
const SERVED = ['subgraphs', 'gateway', 'db'];

export const homeRules: Rule[] = [
  {
    name: 'resolvers take their types from the schema',
    findViolations: findOwnResolverTypes,
    planted: {
      'an argument that may be anything': { [RESOLVERS]: 'export const read = (_: unknown, context) => context;' },
      'arguments by hand': { [RESOLVERS]: 'export const query = { cases: (_, args: { first: number }) => args };' },
      'a parent by hand': { [RESOLVERS]: 'export const fields = { async id({ id }: { id: string }) { return id; } };' },
    },
  },
  {
    name: 'what repeats runs in kernel/loop',
    findViolations: findGlobal('setInterval', [...SERVED, 'scripts'], []),
    planted: {
      'a timer': { [FILE]: 'setInterval(() => {}, 1000);' },
      'under another name': { [FILE]: 'const repeat = setInterval;\nrepeat(() => {}, 1000);' },
      'in a script': { 'scripts/poll.ts': 'setInterval(() => {}, 1000);' },
    },
  },
  {
    name: 'statements of a transaction go together through inOrder',
    findViolations: (source) => (isWithin(source.path, ...SERVED) ? findStartedStatements(source) : []),
    planted: {
      'in Promise.all': { [FILE]: 'await Promise.all([a(tx), b(tx)]);' },
      'in Promise.allSettled': { [FILE]: 'await Promise.allSettled(ids.map((id) => a(tx, id)));' },
    },
  },
  {
    name: 'a function in inOrder uses its own handle',
    findViolations: (source) => (isWithin(source.path, ...SERVED) ? findForeignHandles(source) : []),
    planted: {
      'a started statement': { [FILE]: 'await inOrder(tx, [a(tx), (tx) => b(tx)]);' },
      'a started statement in a condition': { [FILE]: 'await inOrder(tx, [isOpen ? a(tx) : null]);' },
      'a function without a handle': { [FILE]: 'await inOrder(tx, [() => a(tx)]);' },
      'a function with a handle of another name': { [FILE]: 'await inOrder(tx, [(inner) => a(tx)]);' },
      'within another list': { [FILE]: 'await inOrder(tx, [(tx) => inOrder(tx, [() => a(tx)])]);' },
    },
  },
  {
    name: 'instants, days, numbers and bytes are columns of kernel/columns',
    findViolations: findOwnColumns,
    planted: {
      'an instant': { [TABLES]: "import { text, timestamp } from 'drizzle-orm/pg-core';\nuse(text, timestamp);" },
      'a day': { [TABLES]: "import { date as day } from 'drizzle-orm/pg-core';\nuse(day);" },
      'all builders': { [TABLES]: "import * as columns from 'drizzle-orm/pg-core';\nuse(columns);" },
      'in the database': { 'db/x.ts': "export { customType } from 'drizzle-orm/pg-core';" },
    },
  },
  {
    name: 'whether a person acts for an organ is asked of kernel/organ/place',
    findViolations: findComparedPlaces,
    planted: {
      'a comparison': { [FILE]: 'export const isOwn = (person, organ) => person.organ === organ;' },
      'the other way round': { [FILE]: 'export const isOther = (actor, organ) => organ !== actor.organ;' },
      'a search in a list': { [FILE]: 'export const isParty = (actor, parties) => parties.includes(actor.organ);' },
      'a place of a policy': {
        [FILE]: 'export const OWN = { includes: (subject, { organ }) => subject.organ === organ };',
      },
    },
  },
  {
    name: 'schemas of days and instants are those of kernel/day-schema',
    findViolations: findOwnDaySchemas,
    planted: {
      'a day': { [FILE]: 'export const day = z.iso.date();' },
      'an instant': { [FILE]: 'export const at = z.iso.datetime({ offset: true });' },
      'an instant of a text': { [FILE]: 'export const at = z.string().datetime();' },
      'taken out': { [FILE]: 'const { iso } = z;\nexport const day = iso.date();' },
      imported: { [FILE]: "import { iso as of } from 'zod';\nexport const day = of.date();" },
      'in the seeds': { 'seeds/load.ts': 'const day = z.iso.date();' },
    },
  },
  {
    name: 'apps are made by kernel/http/http',
    findViolations: findOwnApps,
    planted: {
      'in a subgraph': { 'subgraphs/cases/index.ts': "import Fastify from 'fastify';\nexport const app = Fastify();" },
      'in a script': { 'scripts/peer.ts': "import make, { type FastifyInstance } from 'fastify';\nmake();" },
      'by dynamic import': { 'gateway/x.ts': "export const load = () => import('fastify');" },
    },
  },
  {
    name: 'which characters a text may have is asked of kernel/text',
    findViolations: findOwnTextRules,
    planted: {
      'control characters': { [FILE]: 'export const isLine = (text) => !/\\p{Cc}/u.test(text);' },
      'a range of them': { [FILE]: 'export const isLine = (text) => !/[\\u0000-\\u001f]/.test(text);' },
      'lone surrogates': { [FILE]: 'export const isText = (text) => text.isWellFormed();' },
    },
  },
];
