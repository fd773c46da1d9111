import type { GraphQLScalarType } from 'graphql';
import type { RefusalCode } from '../refusal.ts';

/**
 * Types that join the generated resolver types of a subgraph with its parent shapes (`mappers` in codegen.ts). A field
 * of the schema that nothing answers is a type error that names the field.
 */

// biome-ignore lint/suspicious/noExplicitAny: matches every generated resolver function
type AnyResolver = (parent: any, args: any, context: any) => unknown;

/** Resolvers of any subgraph, by type and field. */
export type ResolverMap = Readonly<Record<string, GraphQLScalarType | Readonly<Record<string, AnyResolver>>>>;

/** Names that are not fields of a GraphQL type, and the field of payloads that the kernel answers. */
type InternalName = '__resolveReference' | '__resolveType' | '__isTypeOf' | '__typename' | 'refusals';

/** A reference to an object that another subgraph owns. @public by codegen.ts */
export interface Reference {
  id: string;
}

type Result<Field> = Field extends AnyResolver ? Awaited<ReturnType<Field>> : never;

/** Whether a field takes arguments. Only a resolver can read them. */
type TakesArguments<Field> = Field extends AnyResolver
  ? string extends keyof Parameters<Field>[1]
    ? false
    : true
  : false;

/** Whether each parent has a property that is the answer. The parent of a root type has no properties. */
type IsProperty<Parent, Name, Field> = string extends keyof Parent
  ? false
  : Name extends keyof Parent
    ? [Parent[Name], true] extends [Result<Field>, IsAlwaysPresent<Parent, Name>]
      ? true
      : false
    : false;

/** True if at least one shape of the parent must have the property. An optional property could be forgotten. */
type IsAlwaysPresent<Parent, Name extends PropertyKey> = Parent extends unknown
  ? Parent extends Record<Name, unknown>
    ? true
    : never
  : never;

/** The kernel applies the arguments of `actions` (`graphql/actions.ts`). */
type IsAnswered<Parent, Name, Field> = [Name, TakesArguments<Field>] extends [Exclude<Name, 'actions'>, true]
  ? false
  : IsProperty<Parent, Name, Field>;

/** The names of those fields of one type that need a resolver. */
type UnansweredNames<Fields, Parent> = {
  [Name in keyof Fields]-?: Name extends InternalName
    ? never
    : IsAnswered<Parent, Name, NonNullable<Fields[Name]>> extends true
      ? never
      : Name;
}[keyof Fields];

/** The resolvers of one type: required for the fields that the parent does not answer. */
type CompleteFields<Fields, Parent> = Fields & {
  [Name in UnansweredNames<Fields, Parent>]-?: NonNullable<Fields[Name]>;
};

/** Names of the types whose resolvers may be left out: each of their fields is a property of the parent. */
type PlainTypeNames<Generated, Parents> = {
  [Type in keyof Generated]-?: Type extends keyof Parents
    ? NonNullable<Generated[Type]> extends GraphQLScalarType
      ? never
      : [UnansweredNames<NonNullable<Generated[Type]>, Parents[Type]>] extends [never]
        ? Type
        : never
    : never;
}[keyof Generated];

/** Types that the kernel answers (`graphql/refusals.ts`). */
type KernelType = 'AvailableAction' | 'Refusal';

type CompleteType<Generated, Parents, Type extends keyof Generated> = Type extends keyof Parents
  ? NonNullable<Generated[Type]> extends GraphQLScalarType
    ? NonNullable<Generated[Type]>
    : CompleteFields<NonNullable<Generated[Type]>, Parents[Type]>
  : NonNullable<Generated[Type]>;

/**
 * All resolvers of a subgraph. `Generated` is its `Resolvers`, `Parents` its `ResolversParentTypes`. A field needs a
 * resolver if it takes arguments, or if its parent has no property of this name and type.
 */
export type CompleteResolvers<Generated, Parents> = {
  [Type in Exclude<keyof Generated, PlainTypeNames<Generated, Parents> | KernelType>]-?: CompleteType<
    Generated,
    Parents,
    Type
  >;
} & {
  [Type in PlainTypeNames<Generated, Parents>]?: CompleteType<Generated, Parents, Type>;
};

/**
 * The parent of a payload: all of its fields, or a refusal. With a refusal, only the fields that cannot be null are
 * required. `Fields` is the generated type of the payload. @public by codegen.ts
 */
export type Payload<Fields> =
  | (RequiredFields<Fields> & Partial<Omit<Fields, 'refusal' | 'refusals'>> & RefusalFields)
  | ({ refusal: null } & { [Name in Exclude<keyof Fields, InternalName | 'refusal'>]-?: Fields[Name] });

type RequiredFields<Fields> = {
  [Name in keyof Fields as null extends Fields[Name]
    ? never
    : undefined extends Fields[Name]
      ? never
      : Name extends 'refusals'
        ? never
        : Name]: Fields[Name];
};

/** What a refused mutation answers: all refusals of the input, and the first of them. */
export interface RefusalFields {
  refusal: RefusalView;
  /** Absent if there is only `refusal`. */
  refusals?: readonly RefusalView[];
}

/** A refusal as the parent of the type Refusal. @public by codegen.ts */
export interface RefusalView {
  code: RefusalCode;
  message: string;
  field: string | null;
  /** Where the value stands in the arguments of the mutation. Absent means nowhere. */
  path?: readonly string[];
}
