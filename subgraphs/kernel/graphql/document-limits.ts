import {
  type ASTVisitor,
  type DocumentNode,
  type EnumValueNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type ListValueNode,
  type NameNode,
  type ObjectValueNode,
  type OperationDefinitionNode,
  type SelectionNode,
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
  /** Maximum nesting of fragments, inline or by name, from the operation to a field. */
  fragments: number;
  /** Maximum number of `@include` and `@skip` from the operation to a field. */
  conditions: number;
  /** Maximum characters of a name: of a field, alias, variable, fragment, type, argument, or value of an enum. */
  nameChars: number;
  /** Maximum nesting of lists and objects in one literal. */
  valueDepth: number;
  /** Maximum root fields of one operation. */
  rootFields: number;
  /** Maximum fields of one operation after fragments are expanded, without those within introspection. */
  fields: number;
  /** Maximum fields within introspection, counted likewise. */
  introspection: number;
}

/** Public codes of the limits, `extensions.code`. */
type LimitCode = 'QUERY_TOO_DEEP' | 'QUERY_TOO_WIDE' | 'QUERY_TOO_LARGE';

/** Counts saturate here. */
const MAX_COUNT = 1_000_000;

type Measures = Map<string, Measure | 'measuring'>;

/** The size of one selection set. The counts saturate, so that nested fragments cannot overflow them. */
interface Measure {
  depth: number;
  fragments: number;
  conditions: number;
  rootFields: number;
  /** Every field, those within introspection among them. */
  fields: number;
  introspection: number;
  /** Work of the planner: for each field one, and one more for each fragment and each condition around it. */
  steps: number;
}

const EMPTY_MEASURE: Measure = {
  depth: 0,
  fragments: 0,
  conditions: 0,
  rootFields: 0,
  fields: 0,
  introspection: 0,
  steps: 0,
};

/**
 * Refuses an operation that is too deep, too wide or too large, a literal that is too deep, and a name that is too
 * long.
 * The nesting of fields within introspection is not limited: tools ask for types of many nested lists.
 */
export function createLimitRule(limits: DocumentLimits): ValidationRule {
  return (context) => watchDocument(context, limits);
}

function watchDocument(context: ValidationContext, limits: DocumentLimits): ASTVisitor {
  const measures: Measures = new Map();
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
    Name: watchNames(context, limits),
    EnumValue: watchNames(context, limits),
    ListValue: nested,
    ObjectValue: nested,
    OperationDefinition(operation: OperationDefinitionNode) {
      const measured = measure(operation.selectionSet, context.getDocument(), measures);
      const { depth, fragments, conditions, rootFields, fields, introspection } = measured;
      const refuse = (code: LimitCode, message: string) =>
        context.reportError(new GraphQLError(message, { nodes: operation, extensions: { code } }));
      if (depth > limits.depth) refuse('QUERY_TOO_DEEP', `查询嵌套过深：${depth} 层，最多 ${limits.depth} 层。`);
      if (fragments > limits.fragments) {
        refuse('QUERY_TOO_DEEP', `片段嵌套过深：${fragments} 层，最多 ${limits.fragments} 层。`);
      }
      if (conditions > limits.conditions) {
        const message = `@include 与 @skip 嵌套过深：${conditions} 层，最多 ${limits.conditions} 层。`;
        refuse('QUERY_TOO_DEEP', message);
      }
      if (rootFields > limits.rootFields) {
        refuse('QUERY_TOO_WIDE', `一次查询的顶层字段过多：${rootFields} 个，最多 ${limits.rootFields} 个。`);
      }
      if (fields - introspection > limits.fields) {
        refuse('QUERY_TOO_LARGE', `一次查询的字段过多，最多 ${limits.fields} 个。`);
      }
      if (introspection > limits.introspection) {
        refuse('QUERY_TOO_LARGE', `一次查询中自省的字段过多，最多 ${limits.introspection} 个。`);
      }
    },
  };
}

/** Reports the first name that is too long. The message does not quote it. */
function watchNames(context: ValidationContext, { nameChars }: DocumentLimits) {
  let isReported = false;
  return (node: NameNode | EnumValueNode) => {
    if (node.value.length <= nameChars || isReported) return;
    isReported = true;
    const message = `名称过长，最多 ${nameChars} 个字符。`;
    context.reportError(new GraphQLError(message, { nodes: node, extensions: { code: 'QUERY_TOO_LARGE' } }));
  };
}

/** Returns how many steps planning takes for an operation of a document. It is at most 1,000,000. */
export function countPlanningSteps(operation: OperationDefinitionNode, document: DocumentNode): number {
  return measure(operation.selectionSet, document, new Map()).steps;
}

/** Measures a selection set. Measures each fragment only once, so the time is linear in the document's length. */
function measure(set: SelectionSetNode, document: DocumentNode, measures: Measures): Measure {
  let total = EMPTY_MEASURE;
  for (const selection of set.selections) {
    const part = measureSelection(selection, document, measures);
    const conditions = countConditions(selection);
    total = {
      depth: Math.max(total.depth, part.depth),
      fragments: Math.max(total.fragments, part.fragments),
      conditions: Math.max(total.conditions, part.conditions + conditions),
      rootFields: Math.min(total.rootFields + part.rootFields, MAX_COUNT),
      fields: Math.min(total.fields + part.fields, MAX_COUNT),
      introspection: Math.min(total.introspection + part.introspection, MAX_COUNT),
      steps: Math.min(total.steps + part.steps + conditions * part.fields, MAX_COUNT),
    };
  }
  return total;
}

/** Returns how many `@include` and `@skip` a selection itself has. */
function countConditions({ directives = [] }: SelectionNode): number {
  return directives.filter(({ name }) => name.value === 'include' || name.value === 'skip').length;
}

/** Measures a selection without its own conditions. */
function measureSelection(selection: SelectionNode, document: DocumentNode, measures: Measures): Measure {
  if (selection.kind === Kind.FIELD) {
    const { selectionSet, name } = selection;
    const inner = selectionSet ? measure(selectionSet, document, measures) : EMPTY_MEASURE;
    const fields = { rootFields: 1, fields: inner.fields + 1, steps: inner.steps + 1 };
    if (name.value.startsWith('__')) return { ...inner, ...fields, depth: 1, introspection: inner.fields };
    return { ...inner, ...fields, depth: inner.depth + 1 };
  }
  const inner =
    selection.kind === Kind.INLINE_FRAGMENT
      ? measure(selection.selectionSet, document, measures)
      : measureFragment(selection.name.value, document, measures);
  return { ...inner, fragments: inner.fragments + 1, steps: inner.steps + inner.fields };
}

function measureFragment(name: string, document: DocumentNode, measures: Measures): Measure {
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
