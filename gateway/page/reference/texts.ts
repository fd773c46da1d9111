import { readFileSync } from 'node:fs';
import {
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import type { Lang } from '../frame.ts';
import { normalise, readRemark } from '../labels.ts';

/** The descriptions of the schema in both languages: English in the schema, and the Chinese of each in a file. */

const CHINESE: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('descriptions.zh.json', import.meta.url), 'utf8'),
);

/** Returns a description in a language. A text without a translation stays English. */
export function translate(text: string, lang: Lang): string {
  return lang === 'zh' ? (CHINESE[text] ?? text) : text;
}

/** Returns every text of a schema that a page shows, in one line each, without repetition. */
export function listTexts(schema: GraphQLSchema): ReadonlySet<string> {
  const texts = new Set<string>();
  const note = ({ description }: { description?: string | null | undefined }) => texts.add(normalise(description));
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    note(type);
    if (isEnumType(type)) for (const { description } of type.getValues()) texts.add(readRemark(description));
    if (isInputObjectType(type)) Object.values(type.getFields()).forEach(note);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      note(field);
      field.args.forEach(note);
    }
  }
  texts.delete('');
  return texts;
}

/** The English texts that have a Chinese one. */
export function listTranslated(): readonly string[] {
  return Object.keys(CHINESE);
}
