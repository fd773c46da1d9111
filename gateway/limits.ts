import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';

/** Maximum tokens of one document. The parser stops there. */
export const TOKEN_LIMIT = 4_000;
/** Maximum nesting of fields. The deepest query of the front ends is 10 deep: license, case, delegation, organ. */
export const DEPTH_LIMIT = 14;
/** Maximum root fields of one operation. Each is a separate query. */
export const ROOT_FIELD_LIMIT = 20;
/** Maximum fields of one operation after fragments are expanded. */
export const FIELD_LIMIT = 1_000;

/** Public codes of the limits, `extensions.code`. */
export type LimitCode = 'QUERY_TOO_DEEP' | 'QUERY_TOO_WIDE' | 'QUERY_TOO_LARGE';

/** The size of one selection set. The counts saturate, so that nested fragments cannot overflow them. */
interface Measure {
  depth: number;
  rootFields: number;
  fields: number;
}

const NOTHING: Measure = { depth: 0, rootFields: 0, fields: 0 };

/** Refuses an operation that is too deep, too wide or too large. Introspection counts as one field. */
export const limitRule: ValidationRule = (context: ValidationContext) => {
  const measured = new Map<string, Measure | 'measuring'>();
  return {
    OperationDefinition(operation: OperationDefinitionNode) {
      const { depth, rootFields, fields } = measure(operation.selectionSet, context.getDocument(), measured);
      const refuse = (code: LimitCode, message: string) =>
        context.reportError(new GraphQLError(message, { nodes: operation, extensions: { code } }));
      if (depth > DEPTH_LIMIT) refuse('QUERY_TOO_DEEP', `查询嵌套过深：${depth} 层，最多 ${DEPTH_LIMIT} 层。`);
      if (rootFields > ROOT_FIELD_LIMIT) {
        refuse('QUERY_TOO_WIDE', `一次查询的顶层字段过多：${rootFields} 个，最多 ${ROOT_FIELD_LIMIT} 个。`);
      }
      if (fields > FIELD_LIMIT) refuse('QUERY_TOO_LARGE', `一次查询的字段过多，最多 ${FIELD_LIMIT} 个。`);
    },
  };
};

/** Measures a selection set. Measures each fragment only once, so the time is linear in the document's length. */
function measure(set: SelectionSetNode, document: DocumentNode, measured: Map<string, Measure | 'measuring'>): Measure {
  let total = NOTHING;
  for (const selection of set.selections) {
    let one: Measure;
    if (selection.kind === Kind.FIELD) {
      const introspection = selection.name.value.startsWith('__');
      const inner =
        selection.selectionSet && !introspection ? measure(selection.selectionSet, document, measured) : NOTHING;
      one = { depth: inner.depth + 1, rootFields: 1, fields: inner.fields + 1 };
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      one = measure(selection.selectionSet, document, measured);
    } else {
      one = measureFragment(selection.name.value, document, measured);
    }
    total = {
      depth: Math.max(total.depth, one.depth),
      rootFields: Math.min(total.rootFields + one.rootFields, FIELD_LIMIT + 1),
      fields: Math.min(total.fields + one.fields, FIELD_LIMIT + 1),
    };
  }
  return total;
}

function measureFragment(name: string, document: DocumentNode, measured: Map<string, Measure | 'measuring'>): Measure {
  const known = measured.get(name);
  // GraphQL's own rules refuse a fragment that contains itself.
  if (known === 'measuring') return NOTHING;
  if (known) return known;
  const fragment = document.definitions.find(
    (definition): definition is FragmentDefinitionNode =>
      definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name,
  );
  if (!fragment) return NOTHING;
  measured.set(name, 'measuring');
  const result = measure(fragment.selectionSet, document, measured);
  measured.set(name, result);
  return result;
}
