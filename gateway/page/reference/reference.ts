import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import { escapeHtml, type Lang, renderPage, toPageUrl, type Words } from '../frame.ts';
import { normalise, readLabel, readRemark } from '../labels.ts';
import { translate } from './texts.ts';

/** The reference of the graph, made from the descriptions of its schema: a page for each type, and an index. */

const TEXT = {
  title: { zh: '接口参考', en: 'Reference of the interface' },
  lead: {
    zh: '由接口定义中的说明生成：每个查询、操作、类型、字段、参数和枚举值。',
    en: 'Made from the descriptions of the schema: every query, mutation, type, field, argument and value.',
  },
  queries: { zh: '查询', en: 'Queries' },
  mutations: { zh: '操作', en: 'Mutations' },
  objects: { zh: '对象', en: 'Objects' },
  inputs: { zh: '输入', en: 'Inputs' },
  enums: { zh: '枚举', en: 'Enums' },
  scalars: { zh: '标量', en: 'Scalars' },
  fields: { zh: '字段', en: 'Fields' },
  values: { zh: '值', en: 'Values' },
  arguments: { zh: '参数', en: 'Arguments' },
  usedBy: { zh: '用于', en: 'Used by' },
  deprecated: { zh: '不推荐使用', en: 'Deprecated' },
  default: { zh: '默认', en: 'default' },
} as const satisfies Record<string, Words>;

const PATH = '/reference';

/** Renders pages of one schema. */
export interface Reference {
  index(lang: Lang): string;
  /** Returns null if there is no such type. */
  type(name: string, lang: Lang): string | null;
}

type Member = GraphQLField<unknown, unknown> | GraphQLInputField | GraphQLArgument;

/** Prepares the reference of a schema. */
export function createReference(schema: GraphQLSchema): Reference {
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
  const typesByName = new Map(types.map((type) => [type.name, type]));
  const uses = findUses(types);
  const pages = new Map<string, string>();
  /** A page never changes, and anybody may ask for it: it is rendered once. */
  const renderOnce = (key: string, render: () => string): string => {
    const page = pages.get(key) ?? render();
    pages.set(key, page);
    return page;
  };
  return {
    index: (lang) => renderOnce(lang, () => renderIndex(schema, types, lang)),
    type(name, lang) {
      const type = typesByName.get(name);
      return type ? renderOnce(`${lang} ${name}`, () => renderType(type, uses.get(name) ?? [], lang)) : null;
    },
  };
}

/** Returns the members whose type or argument names a type: `Query.license`, by the name of the type. */
function findUses(types: readonly GraphQLNamedType[]): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, Set<string>>();
  const note = (type: GraphQLType, place: string) => {
    const { name } = getNamedType(type);
    uses.set(name, (uses.get(name) ?? new Set()).add(place));
  };
  for (const type of types) {
    if (!('getFields' in type)) continue;
    for (const field of Object.values(type.getFields()) as Member[]) {
      note(field.type, `${type.name}.${field.name}`);
      if ('args' in field) for (const { type: argument } of field.args) note(argument, `${type.name}.${field.name}`);
    }
  }
  return new Map([...uses].map(([name, places]) => [name, [...places]]));
}

const toHtml = (words: Words, lang: Lang) => escapeHtml(words[lang]);
const toDescription = (description: string | null | undefined, lang: Lang) =>
  toCode(translate(normalise(description), lang));
/** Escapes a text and marks what stands in backticks as code. */
const toCode = (text: string) => escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');

function linkTo(name: string, lang: Lang, field = ''): string {
  const url = toPageUrl(`${PATH}/${name}`, lang) + (field && `#${field}`);
  return `<a href="${escapeHtml(url)}"><code>${escapeHtml(field ? `${name}.${field}` : name)}</code></a>`;
}

/** Renders a type with its marks for lists and null, the name as a link. */
function renderTypeName(type: GraphQLType, lang: Lang): string {
  const named = getNamedType(type);
  const [before = '', after = ''] = String(type).split(named.name);
  const name = isSpecifiedScalarType(named) ? `<code>${named.name}</code>` : linkTo(named.name, lang);
  return `<code>${before}</code>${name}<code>${after}</code>`;
}

function renderIndex(schema: GraphQLSchema, types: readonly GraphQLNamedType[], lang: Lang): string {
  const toItem = (link: string, description: string | null | undefined) =>
    `<li>${link} ${toDescription(description, lang)}</li>`;
  const toSection = (id: keyof typeof TEXT, items: readonly string[]) =>
    `<section class="card" aria-labelledby="${id}"><h2 id="${id}">${toHtml(TEXT[id], lang)}</h2><ul>${items.join('')}</ul></section>`;
  const ofRoot = (root: typeof Query) =>
    Object.values(root?.getFields() ?? {}).map((field) =>
      toItem(linkTo(root?.name ?? '', lang, field.name), field.description),
    );
  const [Query, Mutation] = [schema.getQueryType(), schema.getMutationType()];
  const list = (matches: (type: GraphQLNamedType) => boolean) =>
    types.filter(matches).map((type) => toItem(linkTo(type.name, lang), type.description));
  const isRoot = (type: GraphQLNamedType) => type === Query || type === Mutation;
  const body = `<h1>${toHtml(TEXT.title, lang)}</h1><p class="lead">${toHtml(TEXT.lead, lang)}</p>
${toSection('queries', ofRoot(Query))}
${toSection('mutations', ofRoot(Mutation))}
${toSection(
  'objects',
  list((type) => (isObjectType(type) || isInterfaceType(type)) && !isRoot(type)),
)}
${toSection('inputs', list(isInputObjectType))}
${toSection('enums', list(isEnumType))}`;
  return renderPage({ lang, path: PATH, title: TEXT.title[lang], body });
}

function renderType(type: GraphQLNamedType, uses: readonly string[], lang: Lang): string {
  const users = uses.map((place) => place.split('.')).map(([name = '', field]) => linkTo(name, lang, field));
  const members = 'getFields' in type ? (Object.values(type.getFields()) as Member[]) : [];
  const parts = [
    `<p><a href="${toPageUrl(PATH, lang)}">${toHtml(TEXT.title, lang)}</a></p>`,
    `<h1><code>${type.name}</code></h1><p class="lead">${toDescription(type.description, lang)}</p>`,
    isEnumType(type) ? renderValues(type.getValues(), lang) : '',
    ...members.map((member) => renderMember(member, lang)),
    users.length > 0 ? `<section><h2>${toHtml(TEXT.usedBy, lang)}</h2><p>${users.join('、')}</p></section>` : '',
  ];
  return renderPage({ lang, path: `${PATH}/${type.name}`, title: type.name, body: parts.join('\n') });
}

function renderMember(member: Member, lang: Lang): string {
  const args = 'args' in member ? member.args : [];
  const reason = member.deprecationReason;
  return `<section class="card" aria-labelledby="${member.name}"><h2 id="${member.name}"><code>${member.name}</code></h2>
<p>${renderTypeName(member.type, lang)}${renderDefault(member, lang)}</p>
<p>${toDescription(member.description, lang)}</p>
${reason ? `<p class="note">${toHtml(TEXT.deprecated, lang)} ${toCode(reason)}</p>` : ''}
${args.length > 0 ? `<h3>${toHtml(TEXT.arguments, lang)}</h3><dl>${args.map((argument) => renderArgument(argument, lang)).join('')}</dl>` : ''}
</section>`;
}

function renderArgument(argument: GraphQLArgument, lang: Lang): string {
  return `<div><dt><code>${argument.name}</code> ${renderTypeName(argument.type, lang)}${renderDefault(argument, lang)}</dt>
<dd>${toDescription(argument.description, lang)}</dd></div>`;
}

function renderDefault(member: Member, lang: Lang): string {
  if (!('defaultValue' in member) || member.defaultValue === undefined) return '';
  return ` ${toHtml(TEXT.default, lang)} <code>${escapeHtml(JSON.stringify(member.defaultValue))}</code>`;
}

function renderValues(
  values: readonly { name: string; description?: string | null | undefined }[],
  lang: Lang,
): string {
  const items = values.map(({ name, description }) => {
    const label = readLabel(description);
    const remark = toCode(translate(readRemark(description), lang));
    return `<div><dt><code>${name}</code></dt><dd>${label ? toHtml(label, lang) : ''}${remark && ` · ${remark}`}</dd></div>`;
  });
  return `<section class="card" aria-labelledby="values"><h2 id="values">${toHtml(TEXT.values, lang)}</h2><dl>${items.join('')}</dl></section>`;
}
