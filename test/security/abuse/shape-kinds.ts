import { type Abuse, alias, nest, postDocument, times } from './abuse.ts';

/** Documents whose shape is abusive: deep, wide, repeated, and recursive. */

const MATTERS = 'matters(first:100)';
const NODES = 'edges{node';
const LICENSE = 'license(identifier:"x")';

/** Queries that cost the most for their length. */
const EXPENSIVE = [
  `${MATTERS}{totalCount}`,
  `${MATTERS}{${NODES}{id name delegations{mode} outcomes{validFrom}}}}`,
  'matters(first:100){edges{node{runningCases(first:100){edges{node{__typename}}}}}}',
  'licenseStatus(identifier:"x"){state}',
  `${LICENSE}{versions{versions{identifier}}}`,
  'verifyLicense(input:{code:"x"}){subIndication}',
  'workingDay(from:"2026-01-01",days:2500){day}',
  'caseStatistics(by:MATTER,first:100){edges{node{key}}}',
  'licenseStatistics(measure:LICENSES,by:[STATE,TYPE,MATTER],first:100){edges{node{count}}}',
  'attention(first:100){edges{node{since}}}',
  'sealUses(first:100){edges{node{id}}}',
  'tasks(first:100){edges{node{__typename}}}',
  'matter(id:"1"){guideVersions(first:100){edges{node{__typename}}}}',
] as const;

const DEPTHS = [15, 50, 200, 900];

export function listDepths(): Abuse[] {
  const heads: [string, string, string][] = [
    ['fields', `${LICENSE}{`, 'versions'],
    ['inline fragments', `${LICENSE}{`, '...on License'],
    ['fragments without a type', `${LICENSE}{`, '...'],
    ['fields that do not exist', `${LICENSE}{`, 'x'],
  ];
  const selections = heads.flatMap(([kind, root, head]) =>
    DEPTHS.map((depth) => postDocument(`depth: ${depth} ${kind}`, `{${root}${nest(depth, head, 'identifier')}}}`)),
  );
  const values = [
    ...[9, 100, 1_900].map((n) => [`${n} lists in an argument`, `${'['.repeat(n)}${']'.repeat(n)}`]),
    ...[9, 100, 900].map((n) => [`${n} objects in an argument`, `${'{a:'.repeat(n)}1${'}'.repeat(n)}`]),
  ].map(([kind, value]) => postDocument(`depth: ${kind}`, `{matters(filter:${value},first:1){totalCount}}`));
  const types = [10, 1_000].map((n) =>
    postDocument(
      `depth: ${n} lists in a variable's type`,
      `query($a:${'['.repeat(n)}ID${']'.repeat(n)}){organs(first:1){__typename}}`,
    ),
  );
  return [...selections, ...values, ...types];
}

export function listWidths(): Abuse[] {
  return [
    ...[21, 200, 1_300].map((n) => postDocument(`width: ${n} root fields`, `{${'__typename '.repeat(n)}}`)),
    ...[100, 1_001, 3_900].map((n) =>
      postDocument(`width: one field ${n} times`, `{${LICENSE}{${'number '.repeat(n)}}}`),
    ),
    ...[500, 1_900].map((n) =>
      postDocument(`width: ${n} fields that do not exist`, `{${times(n, (index) => `x${index}`).join(' ')}}`),
    ),
    ...[100, 1_000].map((n) =>
      postDocument(`width: ${n} arguments`, `{matters(${times(n, (index) => `x${index}:1`).join(',')}){totalCount}}`),
    ),
    ...[100, 1_000].map((n) =>
      postDocument(`width: one argument ${n} times`, `{matters(${'first:1 '.repeat(n)}){totalCount}}`),
    ),
    ...[100, 1_000].map((n) =>
      postDocument(
        `width: ${n} variables`,
        `query(${times(n, (index) => `$v${index}:Int`).join(' ')}){organs(first:1){__typename}}`,
      ),
    ),
    ...[100, 1_900].map((n) =>
      postDocument(`width: a list of ${n} values`, `{queue(steps:[${'DECIDED '.repeat(n)}],first:1){totalCount}}`),
    ),
  ];
}

export function listAliases(): Abuse[] {
  const repeated = EXPENSIVE.flatMap((field) =>
    [20, 120].map((n) => postDocument(`aliases: ${n} of ${field.slice(0, 40)}`, `{${alias(n, field)}}`)),
  );
  const nested = [10, 30].map((n) =>
    postDocument(
      `aliases: ${n} × ${n} of delegations`,
      `{${MATTERS}{${NODES}{${alias(n, `delegations{${alias(n, 'mode')}}`)}}}}}`,
    ),
  );
  const clash = postDocument(
    'aliases: one name for 300 arguments',
    `{${times(300, (n) => `a:organs(first:${n}){totalCount}`).join(' ')}}`,
  );
  return [...repeated, ...nested, clash];
}

export function listFragments(): Abuse[] {
  const define = (n: number, body: string) => `fragment F${n} on License{${body}}`;
  const cycles = [1, 2, 3, 50].map((n) => {
    const cycle = times(n, (index) => define(index, `...F${(index + 1) % n}`)).join(' ');
    return postDocument(`fragments: a circle of ${n}`, `{${LICENSE}{...F0}} ${cycle}`);
  });
  const doublings = [8, 20, 40, 200].flatMap((n) => {
    const chain = (part: (next: number) => string) =>
      `${times(n, (index) => define(index, part(index + 1))).join(' ')} ${define(n, 'number')}`;
    return [
      postDocument(`fragments: 2^${n} spreads`, `{${LICENSE}{...F0}} ${chain((next) => `...F${next} ...F${next}`)}`),
      postDocument(
        `fragments: 2^${n} fields`,
        `{${LICENSE}{...F0}} ${chain((next) => `a:versions{...F${next}} b:versions{...F${next}}`)}`,
      ),
    ];
  });
  const many = [100, 500].flatMap((n) => [
    postDocument(
      `fragments: ${n} unused`,
      `{${LICENSE}{number}} ${times(n, (index) => define(index, 'number')).join(' ')}`,
    ),
    postDocument(`fragments: one name ${n} times`, `{${LICENSE}{...F0}} ${define(0, 'number').repeat(n)}`),
    postDocument(
      `fragments: ${n} spreads of one`,
      `{${LICENSE}{${'...F0 '.repeat(n)}}} ${define(0, 'versions{number}')}`,
    ),
    postDocument(
      `fragments: ${n} that are not defined`,
      `{${LICENSE}{${times(n, (index) => `...X${index}`).join(' ')}}}`,
    ),
  ]);
  return [
    ...cycles,
    ...doublings,
    ...many,
    postDocument('fragments: on every root type', '{...Q ...M} fragment Q on Query{...M} fragment M on Mutation{...Q}'),
    postDocument(
      'fragments: overlapping fields that must be merged',
      `{${LICENSE}{${'...A ...B '.repeat(300)}}} fragment A on License{x:number ...B} fragment B on License{x:name}`,
    ),
  ];
}

export function listDirectives(): Abuse[] {
  const on = (directives: string) => `{organs(first:1)${directives}{__typename}}`;
  return [
    ...[2, 100, 1_000].map((n) =>
      postDocument(`directives: @skip ${n} times`, on('@skip(if:false)'.repeat(Math.min(n, 600)))),
    ),
    ...[100, 1_300].map((n) =>
      postDocument(`directives: ${n} unknown`, on(times(n, (index) => `@x${index}`).join(''))),
    ),
    postDocument('directives: @include of 500 fields', `{${LICENSE}{${'number @include(if:true) '.repeat(500)}}}`),
    ...[5, 12, 20].map((n) =>
      postDocument(
        `directives: ${n} conditions that the planner combines`,
        `query(${times(n, (index) => `$c${index}:Boolean=true`).join(' ')}){${MATTERS}{${NODES}{${times(n, (index) => `f${index}:cityOrgan @include(if:$c${index}){name} r${index}:runningCases(first:1) @skip(if:$c${index}){edges{cursor}}`).join(' ')}}}}}`,
      ),
    ),
    ...[
      '@defer',
      '@stream(initialCount:1)',
      '@cost(weight:"0")',
      '@listSize(assumedSize:0)',
      '@deprecated',
      '@key(fields:"id")',
      '@inaccessible',
      '@external',
      '@specifiedBy(url:"x")',
    ].map((directive) =>
      postDocument(
        `directives: ${directive}`,
        `{${MATTERS}{...${directive}{totalCount}} organs(first:1) ${directive}{__typename}}`,
      ),
    ),
  ];
}

export function listIntrospections(): Abuse[] {
  const square = (n: number) => `{${alias(n, `__schema{${alias(n, 'types{name}')}}`)}}`;
  const ofType = (depth: number) => nest(depth, 'ofType', 'name');
  return [
    ...[20, 44, 110, 170].map((n) => postDocument(`introspection: ${n} × ${n} aliases`, square(n))),
    ...[20, 500].map((n) =>
      postDocument(`introspection: ${n} aliases of __type`, `{${alias(n, '__type(name:"License"){name}')}}`),
    ),
    ...[1, 2, 5].map((n) =>
      postDocument(
        `introspection: fields of types ${n} deep`,
        `{__schema{types{${nest(2 * n, 'fields{type', 'name').replaceAll('fields{type{fields', 'fields{type{name fields')}${'}'.repeat(2 * n)}}}}`,
      ),
    ),
    ...[5, 12, 200].map((n) =>
      postDocument(`introspection: ofType ${n} deep`, `{__schema{types{fields{type{${ofType(n)}}}}}}`),
    ),
    ...[2, 4, 8].map((n) =>
      postDocument(
        `introspection: possibleTypes and interfaces ${n} deep`,
        `{__schema{types{${nest(n, 'possibleTypes', nest(n, 'interfaces', 'name'))}}}}`,
      ),
    ),
    ...[2, 4].map((n) =>
      postDocument(
        `introspection: input fields ${n} deep`,
        `{__schema{types{${'inputFields{type{'.repeat(n)}name${'}}'.repeat(n)}}}}`,
      ),
    ),
    ...[8, 20].map((n) => {
      const chain = times(
        n,
        (index) => `fragment T${index} on __Type{...T${index + 1} fields{type{...T${index + 1}}}}`,
      );
      return postDocument(
        `introspection: 2^${n} by fragments`,
        `{__schema{types{...T0}}} ${chain.join(' ')} fragment T${n} on __Type{name}`,
      );
    }),
    ...[10, 20, 40].map((n) => {
      const chain = times(n, (index) => `fragment T${index} on __Type{${alias(2, `ofType{...T${index + 1}}`)}}`);
      return postDocument(
        `introspection: 2^${n} fields that no type has`,
        `{__schema{types{...T0}}} ${chain.join(' ')} fragment T${n} on __Type{name}`,
      );
    }),
    postDocument(
      'introspection: beside data',
      `{__schema{${alias(60, 'types{fields{name}}')}} organs(first:1){__typename}}`,
    ),
    postDocument('introspection: below a list', `{${MATTERS}{${NODES}{${alias(900, '__typename')}}}}}`),
    postDocument(
      'introspection: directives and their arguments',
      `{__schema{${alias(80, 'directives{args{type{name}}}')}}}`,
    ),
    postDocument(
      'introspection: deprecated ones',
      `{__schema{${alias(60, 'types{fields(includeDeprecated:true){args{name}}}')}}}`,
    ),
    postDocument('introspection: in a mutation', `mutation{${alias(60, '__typename')}}`),
    postDocument('introspection: _service', '{_service{sdl}}'),
    postDocument('introspection: _entities', 'query($r:[_Any!]!){_entities(representations:$r){__typename}}', {
      variables: { r: times(10_000, () => ({ __typename: 'License', identifier: 'x' })) },
    }),
    postDocument(
      'introspection: an entity of another type',
      '{_entities(representations:[{__typename:"__Schema"}]){...on Organ{id}}}',
    ),
  ];
}

export function listRecursions(): Abuse[] {
  const loops: [string, string, string][] = [
    ['versions', LICENSE, 'versions'],
    ['license and case', LICENSE, 'case{license'],
    ['case, matter and license', LICENSE, 'case{matter{delegations{mode}} license'],
    ['versions of cases', LICENSE, 'versions{case{license'],
  ];
  return loops.flatMap(([kind, root, step]) => {
    const open = step.split('{').length - step.split('}').length;
    const braces = '}'.repeat(open);
    return [2, 6, 12, 100].map((n) =>
      postDocument(
        `recursion: ${kind}, ${n} times`,
        `{${root}{${`${step}{`.repeat(n)}__typename${`}${braces}`.repeat(n)}}}`,
      ),
    );
  });
}

export function listLists(): Abuse[] {
  const page = 'first:100';
  const cases = `cases(${page}){edges{node{`;
  return [
    `{matters(${page}){edges{node{guideVersions(${page}){edges{node{__typename}}}}}}}`,
    `{matters(${page}){edges{node{runningCases(${page}){edges{node{__typename}}} guideVersions(${page}){edges{cursor}}}}}}`,
    `{${cases}steps{__typename} notices{__typename} actions{__typename} materials{__typename} pushes{__typename} findings{__typename}}}}}`,
    `{${cases}license{versions{acts{__typename} sheets{blankNumber} fields{__typename}}}}}}}`,
    `{${cases}matter{delegations{decides{organ{name}} seals{organ{name}}} outcomes{validFrom}}}}}}`,
    `{licenses(${page}){edges{node{versions{versions{acts{__typename}}}}}}}`,
    `{licenses(${page}){edges{node{actions{__typename} orders{__typename} paper{__typename}}}}}`,
    `{seals(${page}){edges{node{matters{name cityOrgan{name}} grants{__typename}}}}}`,
    `{tasks(${page}){edges{node{__typename}}}}`,
    `{sealApplications(${page}){edges{node{__typename}}} sealUses(${page}){edges{node{__typename}}} cases(${page}){edges{node{actions{__typename}}}}}`,
  ].flatMap((document, index) => [
    postDocument(`lists: ${index + 1}, once`, document),
    postDocument(`lists: ${index + 1}, 15 times`, `{${alias(15, document.slice(1, -1))}}`),
  ]);
}
