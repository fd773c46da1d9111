import type { Resolvers } from '../resolvers.gen.ts';

/** The intersection of the modules of a union: each type with the fields of every module. */
type Merged<Module> = (Module extends unknown ? (module: Module) => void : never) extends (merged: infer All) => void
  ? All
  : never;

/** Merges the resolvers of all modules, type by type. */
export function mergeResolvers<Module extends Resolvers>(modules: readonly Module[]): Merged<Module> {
  const types: Record<string, object> = {};
  for (const module of modules) {
    for (const [type, fields] of Object.entries(module)) types[type] = { ...types[type], ...fields };
  }
  return types as Merged<Module>;
}
