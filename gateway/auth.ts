import type { KeyObject } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import type { Clock } from '../subgraphs/kernel/day.ts';
import { type GraphContext, readContext } from '../subgraphs/kernel/serve.ts';

/** How the gateway knows who asks. */
export interface Doorkeeper {
  /** Public half of the key pair that signs people's tokens (Ed25519). */
  tokenKey: KeyObject;
  now: Clock;
}

/** Who asks by a request's token, or the HTTP status and code that say why the token is not accepted. */
export async function identify(
  request: FastifyRequest,
  { tokenKey, now }: Doorkeeper,
): Promise<{ context: GraphContext } | { status: 401; code: string; message: string }> {
  try {
    return { context: await readContext(request, tokenKey, now()) };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { status: 401, code: String(error.extensions.code), message: error.message };
  }
}
