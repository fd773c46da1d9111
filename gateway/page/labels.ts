import { type GraphQLSchema, isEnumType, isIntrospectionType } from 'graphql';

/** What a screen shows for a value of an enum. */
export interface Label {
  zh: string;
  en: string;
}

/** The labels of every value of every enum, by type and value. */
export type Labels = Readonly<Record<string, Readonly<Record<string, Label>>>>;

/** A description begins with both labels: `有效 (Valid)`, or `有效 (Valid). Further words`. */
const LABELLED = /^([^()]+?) ?\(([^()]+)\)(?:\. (.*)|$)/;

/** Returns a description in one line. */
export function normalise(description: string | null | undefined): string {
  return (description ?? '').replace(/\s+/g, ' ').trim();
}

/** Returns the labels that the description of an enum value begins with, or null if it does not. */
export function readLabel(description: string | null | undefined): Label | null {
  const match = LABELLED.exec(normalise(description));
  return match?.[1] && match[2] ? { zh: match[1], en: match[2] } : null;
}

/** Returns what the description of an enum value says after its labels, or an empty text. */
export function readRemark(description: string | null | undefined): string {
  return LABELLED.exec(normalise(description))?.[3] ?? '';
}

/** Reads the labels of all enums from their descriptions. Throws for a value without labels. */
export function readLabels(schema: GraphQLSchema): Labels {
  const enums = Object.values(schema.getTypeMap()).filter(isEnumType);
  const ours = enums.filter((type) => !isIntrospectionType(type));
  return Object.fromEntries(
    ours.map((type) => [
      type.name,
      Object.fromEntries(
        type.getValues().map(({ name, description }) => {
          const label = readLabel(description);
          if (!label) throw new Error(`${type.name}.${name}: the description must begin with 中文 (English)`);
          return [name, label];
        }),
      ),
    ]),
  );
}
