import {
  type ASTVisitor,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type ListValueNode,
  type ObjectValueNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';

/**
 * Limits on the form of a document. They bound what is done before an operation runs: parsing, validation, planning.
 * What the operation itself does is bounded by its cost (`gateway/cost/cost.ts`).
 */

export interface DocumentLimits {
  /** Maximum nesting of fields. */
  depth: number;
  /** Maximum nesting of lists and objects in one literal. */
  valueDepth: number;
  /** Maximum root fields of one operation. */
  rootFields: number;
  /** Maximum fields of one operation after fragments are expanded. */
  fields: number;
}

/** Public codes of the limits, `extensions.code`. */
type LimitCode = 'QUERY_TOO_DEEP' | 'QUERY_TOO_WIDE' | 'QUERY_TOO_LARGE';

/** Counts saturate here. */
const MAX_COUNT = 1_000_000;

/** The size of one selection set. The counts saturate, so that nested fragments cannot overflow them. */
interface Measure {
  depth: number;
  rootFields: number;
  fields: number;
}

const EMPTY_MEASURE: Measure = { depth: 0, rootFields: 0, fields: 0 };

/**
 * Refuses an operation that is too deep, too wide or too large, and a literal that is too deep. Introspection counts as
 * one field.
 */
export function createLimitRule(limits: DocumentLimits): ValidationRule {
  return (context) => watchDocument(context, limits);
}

function watchDocument(context: ValidationContext, limits: DocumentLimits): ASTVisitor {
  const measures = new Map<string, Measure | 'measuring'>();
  let valueDepth = 0;
  const nested = {
    enter(node: ListValueNode | ObjectValueNode) {
      valueDepth += 1;
      // Once per literal that is too deep, not once per level.
      if (valueDepth !== limits.valueDepth + 1) return;
      const message = `参数值嵌套过深，最多 ${limits.valueDepth} 层。`;
      context.reportError(new GraphQLError(message, { nodes: node, extensions: { code: 'QUERY_TOO_DEEP' } }));
    },
    leave() {
      valueDepth -= 1;
    },
  };
  return {
    ListValue: nested,
    ObjectValue: nested,
    OperationDefinition(operation: OperationDefinitionNode) {
      const { depth, rootFields, fields } = measure(operation.selectionSet, context.getDocument(), measures);
      const refuse = (code: LimitCode, message: string) =>
        context.reportError(new GraphQLError(message, { nodes: operation, extensions: { code } }));
      if (depth > limits.depth) refuse('QUERY_TOO_DEEP', `查询嵌套过深：${depth} 层，最多 ${limits.depth} 层。`);
      if (rootFields > limits.rootFields) {
        refuse('QUERY_TOO_WIDE', `一次查询的顶层字段过多：${rootFields} 个，最多 ${limits.rootFields} 个。`);
      }
      if (fields > limits.fields) refuse('QUERY_TOO_LARGE', `一次查询的字段过多，最多 ${limits.fields} 个。`);
    },
  };
}

/** Measures a selection set. Measures each fragment only once, so the time is linear in the document's length. */
function measure(set: SelectionSetNode, document: DocumentNode, measures: Map<string, Measure | 'measuring'>): Measure {
  let total = EMPTY_MEASURE;
  for (const selection of set.selections) {
    let part: Measure;
    if (selection.kind === Kind.FIELD) {
      const isIntrospection = selection.name.value.startsWith('__');
      const inner =
        selection.selectionSet && !isIntrospection
          ? measure(selection.selectionSet, document, measures)
          : EMPTY_MEASURE;
      part = { depth: inner.depth + 1, rootFields: 1, fields: inner.fields + 1 };
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      part = measure(selection.selectionSet, document, measures);
    } else {
      part = measureFragment(selection.name.value, document, measures);
    }
    total = {
      depth: Math.max(total.depth, part.depth),
      rootFields: Math.min(total.rootFields + part.rootFields, MAX_COUNT),
      fields: Math.min(total.fields + part.fields, MAX_COUNT),
    };
  }
  return total;
}

function measureFragment(name: string, document: DocumentNode, measures: Map<string, Measure | 'measuring'>): Measure {
  const earlierMeasure = measures.get(name);
  // GraphQL's own rules refuse a fragment that contains itself.
  if (earlierMeasure === 'measuring') return EMPTY_MEASURE;
  if (earlierMeasure) return earlierMeasure;
  const fragment = document.definitions.find(
    (definition): definition is FragmentDefinitionNode =>
      definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name,
  );
  if (!fragment) return EMPTY_MEASURE;
  measures.set(name, 'measuring');
  const result = measure(fragment.selectionSet, document, measures);
  measures.set(name, result);
  return result;
}
