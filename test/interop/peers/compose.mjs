import { readFileSync } from 'node:fs';
import { composeServices, transformSupergraphToPublicSchema } from '@theguild/federation-composition';
import { buildASTSchema, lexicographicSortSchema, parse, printSchema } from 'graphql';

/** `node compose.mjs <name>=<file>…`: composes subgraphs. Prints the public schema, sorted, or the errors and ends with 1. */

const services = process.argv.slice(2).map((argument) => {
  const [name, file] = argument.split('=');
  return { name, url: `http://${name}.invalid/graphql`, typeDefs: parse(readFileSync(file, 'utf8')) };
});
const { errors, supergraphSdl } = composeServices(services);
if (errors?.length) {
  for (const { message } of errors) console.error(message);
  process.exit(1);
}
const schema = buildASTSchema(transformSupergraphToPublicSchema(parse(supergraphSdl)), { assumeValidSDL: true });
console.log(printSchema(lexicographicSortSchema(schema)));
