import { readFileSync, writeFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { parseSchema } from '../subgraphs/kernel/graphql/descriptions.ts';

/** Composes the four subgraph schemas into `gateway/supergraph.graphql`. `--check` only tests if it is up to date. */

const root = new URL('../', import.meta.url);
const target = new URL('gateway/supergraph.graphql', root);
const services = ['matters', 'cases', 'licenses', 'seals'].map((name) => ({
  name,
  url: `http://${name}.invalid/graphql`,
  typeDefs: parseSchema(readFileSync(new URL(`subgraphs/${name}/schema.graphql`, root), 'utf8')),
}));

const { supergraphSdl, errors } = composeServices(services);
if (errors?.length || supergraphSdl === undefined) {
  for (const error of errors ?? []) console.error(error.message);
  process.exit(1);
}
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== supergraphSdl) {
    console.error('gateway/supergraph.graphql is out of date: run `npm run compose`');
    process.exit(1);
  }
} else {
  writeFileSync(target, supergraphSdl);
}
