import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';

/** `node hive.mjs <supergraph file>`: Hive Gateway before the subgraphs that the supergraph names. Prints its port. */

const [, , supergraph] = process.argv;
const gateway = createGatewayRuntime({
  supergraph: readFileSync(supergraph, 'utf8'),
  logging: false,
  landingPage: false,
  graphiql: false,
  maskedErrors: false,
  propagateHeaders: {
    fromClientToSubgraphs({ request }) {
      const authorization = request.headers.get('authorization');
      return authorization === null ? {} : { authorization };
    },
  },
});
const server = createServer(gateway);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
