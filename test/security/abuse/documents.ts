import type { Abuse } from './abuse.ts';
import * as plans from './plan-kinds.ts';
import * as requests from './request-kinds.ts';
import * as shapes from './shape-kinds.ts';
import * as values from './value-kinds.ts';

/** Each kind of abuse and its requests. The same seed makes the same requests. */
export function listAbuses(seed: number): Record<string, Abuse[]> {
  return {
    depth: shapes.listDepths(),
    width: shapes.listWidths(),
    aliases: shapes.listAliases(),
    fragments: shapes.listFragments(),
    directives: shapes.listDirectives(),
    introspection: shapes.listIntrospections(),
    recursion: shapes.listRecursions(),
    lists: shapes.listLists(),
    planner: plans.listPlans(),
    numbers: values.listNumbers(),
    'prototype keys': values.listPrototypeKeys(),
    texts: values.listTexts(seed),
    lexemes: values.listLexemes(),
    errors: values.listErrors(),
    scalars: values.listScalars(),
    variables: values.listVariables(),
    batches: requests.listBatches(),
    types: requests.listTypes(),
    encodings: requests.listEncodings(),
    JSON: requests.listJson(),
    operations: requests.listOperations(),
    paths: requests.listPaths(),
  };
}
