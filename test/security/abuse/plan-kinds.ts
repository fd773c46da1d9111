import { type Abuse, alias, postDocument, times } from './abuse.ts';

/** Documents that are costly to plan. */

const MATTERS = 'matters(first:100)';
const LICENSE = 'license(identifier:"x")';

export function listPlans(): Abuse[] {
  const hop = 'case{license{case{matter{cityOrgan{name}}}}}';
  return [
    ...[5, 60].map((n) =>
      postDocument(
        `planner: ${n} inline fragments of one field`,
        `{${LICENSE}{${`...on License{${hop}} `.repeat(n)}}}`,
      ),
    ),
    ...[5, 60].map((n) =>
      postDocument(`planner: ${n} aliases that change the subgraph`, `{${LICENSE}{${alias(n, hop)}}}`),
    ),
    ...[3, 8, 20].map((n) =>
      postDocument(
        `planner: ${n} roots of every subgraph`,
        `{${times(n, (index) => `m${index}:${MATTERS}{totalCount} c${index}:cases(first:1){__typename edges{cursor}} l${index}:licenses(first:1){edges{cursor}} s${index}:seals(first:1){edges{cursor}}`).join(' ')}}`,
      ),
    ),
    ...[20, 400].map((n) =>
      postDocument(
        `planner: ${n} new operations in one document`,
        `${times(n, (index) => `query Q${index}{organs(first:1){__typename}}`).join(' ')}`,
        { operationName: 'Q0' },
      ),
    ),
    ...listConditions(),
    ...listOperationsOfOneFragment(),
  ];
}

const MATTERS_OF_LICENSE = alias(238, 'matter{name}');

/** Conditions and fragments around many fetches. The planner walked each of them for each field. */
function listConditions(): Abuse[] {
  const around = (n: number, head: (index: number) => string, core: string) =>
    `${times(n, head).join('')}${core}${'}'.repeat(n)}`;
  const post = (name: string, selection: string) =>
    postDocument(`planner: ${name}`, `query q1($v0:Boolean!,$v1:Boolean!){${LICENSE}{${selection}}}`, {
      variables: { v0: true, v1: true },
    });
  return [
    ...[8, 9, 226].flatMap((n) => [
      post(
        `${n} conditions in turn`,
        around(n, (index) => `...@include(if:$v${index % 2}){`, MATTERS_OF_LICENSE),
      ),
      post(
        `${n} constant conditions`,
        around(n, () => '...@skip(if:false){', MATTERS_OF_LICENSE),
      ),
      post(
        `${n} conditions of fields`,
        around(n, (index) => `versions@include(if:$v${index % 2}){`, 'number'),
      ),
      post(
        `${n} conditions, each with a fetch of its own`,
        around(n, (index) => `...@include(if:$v${index % 2}){m${index}:matter{name} `, 'number'),
      ),
    ]),
    ...[16, 17, 220].map((n) => {
      const chain = times(n, (index) => `fragment F${index} on License{...F${index + 1}}`).join(' ');
      const end = `fragment F${n} on License{${MATTERS_OF_LICENSE}}`;
      return postDocument(`planner: a chain of ${n} fragments`, `{${LICENSE}{...F0}} ${chain} ${end}`);
    }),
    ...[4, 8].map((n) =>
      postDocument(
        `planner: ${n} of 16 conditions around each fetch`,
        `query(${times(16, (index) => `$v${index}:Boolean=true`).join(' ')}){${LICENSE}{${times(40, (row) =>
          around(n, (index) => `...@include(if:$v${(row * (2 * index + 1)) % 16}){`, `m${row}:case{matter{name}}`),
        ).join(' ')}}}`,
      ),
    ),
  ];
}

/** Each name is a plan of its own, whatever the operations share. */
function listOperationsOfOneFragment(): Abuse[] {
  const operations = times(100, (index) => `query q${index}{${LICENSE}{...F}}`).join(' ');
  const document = `${operations} fragment F on License{${MATTERS_OF_LICENSE}}`;
  return [0, 1, 99, 0].map((index, call) =>
    postDocument(`planner: one of 100 operations, call ${call}`, document, { operationName: `q${index}` }),
  );
}
