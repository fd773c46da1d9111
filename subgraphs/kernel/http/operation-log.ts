import type { ApolloServerPlugin } from '@apollo/server';
import { type DocumentNode, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';
import { noteSubject } from '../environment/log.ts';

/** Names the GraphQL operation in the log by its root fields. */

/** More would only repeat what an operation of many aliases does. */
const MAX_FIELDS = 20;

/**
 * Notes the root fields of an operation. They exist in the schema, because the document is valid by then. The names of
 * operations, aliases and fragments are the caller's own text and stand in no line.
 */
export const operationLogPlugin: ApolloServerPlugin<object> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ document, operation }) {
        if (operation) noteSubject({ fields: listRootFields(document, operation).join(' ') });
      },
    };
  },
};

/** Returns the names of the first root fields of a valid operation, each once. */
function listRootFields(document: DocumentNode, operation: OperationDefinitionNode): string[] {
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition.selectionSet]] : [],
    ) as [string, SelectionSetNode][],
  );
  const fields = new Set<string>();
  const seen = new Set<SelectionSetNode>();
  const collect = (set: SelectionSetNode | undefined): void => {
    if (!set || seen.has(set)) return;
    seen.add(set);
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) fields.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet);
      else collect(fragments.get(selection.name.value));
    }
  };
  collect(operation.selectionSet);
  return [...fields].slice(0, MAX_FIELDS);
}
