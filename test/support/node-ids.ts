import { readFileSync } from 'node:fs';
import { type InputValueDefinitionNode, Kind, parse, type TypeNode } from 'graphql';
import { parseGlobalId, writeGlobalId } from '../../subgraphs/kernel/graphql/global-id.ts';

/** What the schemas of the subgraphs say about ids, and what stands in them. */

/** The type that an ID names: null for a text of another system, undefined if its schema does not say. */
type NamedType = string | null | undefined;

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type);
}

function findNamed({ directives }: InputValueDefinitionNode): NamedType {
  const directive = directives?.find(({ name }) => name.value === 'nodeId');
  const value = directive?.arguments?.[0]?.value;
  return directive && (value?.kind === Kind.STRING ? value.value : null);
}

/** One subgraph: the type that each of its IDs names, by coordinate, and the fields that it answers. */
interface SubgraphIds {
  named: ReadonlyMap<string, NamedType>;
  fields: ReadonlySet<string>;
}

function readSubgraph(name: string): SubgraphIds {
  const named = new Map<string, NamedType>();
  const fields = new Set<string>();
  const note = (coordinate: string, input: InputValueDefinitionNode) => {
    if (nameOf(input.type) === 'ID') named.set(coordinate, findNamed(input));
  };
  const text = readFileSync(new URL(`../../subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8');
  for (const definition of parse(text).definitions) {
    if (!('fields' in definition)) continue;
    for (const field of definition.fields ?? []) {
      const coordinate = `${definition.name.value}.${field.name.value}`;
      if (field.kind === Kind.INPUT_VALUE_DEFINITION) {
        note(coordinate, field);
        continue;
      }
      fields.add(coordinate);
      for (const argument of field.arguments ?? []) note(`${coordinate}.${argument.name.value}`, argument);
    }
  }
  return { named, fields };
}

/** The IDs of all subgraphs. Two of them may have an input type of one name, whose ID names something else in each. */
export const SUBGRAPH_IDS: readonly SubgraphIds[] = ['matters', 'cases', 'licenses', 'seals'].map(readSubgraph);

/** Returns the type that the ID at `coordinate` names, as an argument of the field `Type.field` or within one. */
export function findNamedType(field: string, coordinate: string): NamedType {
  return SUBGRAPH_IDS.find(({ fields, named }) => fields.has(field) && named.has(coordinate))?.named.get(coordinate);
}

const GLOBAL_ID = new RegExp(`${writeGlobalId({ type: 'X', own: 'x' }).slice(0, 4)}[\\w-]+`, 'g');

/** Returns a text with the own identifiers that its global ids hide. */
export function openIds(text: string): string {
  return text.replace(GLOBAL_ID, (id) => {
    const parsed = parseGlobalId(id);
    return parsed === null || parsed === 'BROKEN' ? id : parsed.own;
  });
}
