import { z } from 'zod';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { parseJson, sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';
import { BootError } from '../hub/folder.ts';
import { LIBRARY_CLIENT_ID } from '../hub/peer-library.ts';
import type { LostReceipt } from './lost.ts';

/** Asks the city library what it has collected of the license versions that the database has lost. */

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 16_777_216;

const tokenSchema = z.object({ access_token: z.string() });
const certificateSchema = z.object({
  certificate: z.object({
    number: z.string(),
    revision: z.number().int(),
    record: z.looseObject({ CZZT: z.string().optional(), KZ_ZTXH: z.number().int().optional() }),
  }),
});

/** What the library knows of a version. */
export interface CollectedVersion extends LostReceipt {
  identifier: string;
  holder: string | null;
  statusIndex: number | null;
}

/** Returns what the library has of these versions. Throws BootError if it does not answer. */
export async function askLibrary(
  url: string,
  clientSecret: string,
  identifiers: readonly string[],
): Promise<CollectedVersion[]> {
  const baseUrl = url.endsWith('/') ? url.slice(0, -1) : url;
  const limits = { timeoutMs: TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES };
  const ask = async (path: string, request: { method?: 'GET'; headers: Record<string, string>; body?: string }) =>
    sendRequest(baseUrl + path, { reach: OPERATOR, ...request, ...limits }).catch((error: Error) => {
      throw new BootError(`市证照库无法询问 — the city library does not answer: ${error.message}`);
    });
  const credentials = { grant_type: 'client_credentials', client_id: LIBRARY_CLIENT_ID, client_secret: clientSecret };
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const token = tokenSchema.safeParse(
    parseJson((await ask('/token', { headers, body: JSON.stringify(credentials) })).bytes),
  );
  if (!token.success) throw new BootError('市证照库不发令牌 — the city library gives no token');
  const authorization = `Bearer ${token.data.access_token}`;
  const found: CollectedVersion[] = [];
  for (const identifier of identifiers) {
    const answer = await ask(`/certificates/${identifier}`, { method: 'GET', headers: { authorization } });
    const parsed = certificateSchema.safeParse(parseJson(answer.bytes));
    if (answer.status !== 200 || !parsed.success) continue;
    const { number, revision, record } = parsed.data.certificate;
    found.push({
      ...{ identifier, stream: `license:${number}`, revision },
      ...{ holder: record.CZZT ?? null, statusIndex: record.KZ_ZTXH ?? null },
    });
  }
  return found;
}
