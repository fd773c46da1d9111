import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import postgres from 'postgres';
import { createLibrary, type Protocol } from '../../scripts/city-library/app.ts';
import { makeKeys } from '../../scripts/city-library/key.ts';
import type { Verdict } from '../../scripts/city-library/verify.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { createScratchDatabase } from './database.ts';

const LIBRARY_NAME = 'library.example/city';

/**
 * Creates the reference city library (市电子证照库) on its own port and database.
 * A test may open it after the hub, close it, and open it again. `now` is its clock.
 */
export async function createTestLibrary({ now = () => new Date() }: { now?: () => Date } = {}) {
  const database = await createScratchDatabase();
  const port = await findFreePort();
  const client = { clientId: 'tongquan-hub', clientSecret: randomBytes(16).toString('hex') };
  let app: FastifyInstance | null = null;
  const url = `http://127.0.0.1:${port}`;
  const { receiptKey, witnessKey } = await makeKeys(database.url, LIBRARY_NAME);
  return {
    settings: { url, ...client, id: LIBRARY_NAME, receiptKey: JSON.stringify(receiptKey) },
    /** The witness setting for the hub. */
    witness: { vkey: witnessKey, url },
    databaseUrl: database.url,
    /** Opens it. `protocol` is the newest version of the protocol that it speaks. */
    open: async (rootPem: string, logKeys: readonly string[] = [], protocol: Protocol = 2) => {
      const identity = { databaseUrl: database.url, rootPem, name: LIBRARY_NAME, logKeys, ...client };
      app = await createLibrary({ ...identity, protocol, now });
      await app.listen({ host: '127.0.0.1', port });
    },
    /** Asks it over HTTP for the state of a version today, and whether its file is in force (`VERDICTS`). */
    askState: async (identifier: string, documentDigest: string) => {
      const call = async (path: string, token: string | null, body?: object) => {
        const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
        const request = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
        return (await (await fetch(`${url}${path}`, request)).json()) as Record<string, unknown>;
      };
      const credentials = { client_id: client.clientId, client_secret: client.clientSecret };
      const { access_token } = await call('/token', null, { grant_type: 'client_credentials', ...credentials });
      const token = String(access_token);
      const { certificate } = await call(`/certificates/${identifier}`, token);
      const { result } = await call('/certificates/verify', token, { identifier, documentDigest });
      return { state: (certificate as { state: string } | undefined)?.state, verdict: result as Verdict };
    },
    close: async () => {
      await app?.close();
      app = null;
    },
    /** Returns the newest checkpoint that it signed as a witness, with the signatures, or null before the first. */
    checkpoint: async () => {
      const reply = await app?.inject('/log/checkpoint');
      return reply?.statusCode === 200 ? reply.body : null;
    },
    /** Returns the receipts of a license, in order. */
    receipts: async (number: string) => {
      const sql = postgres(database.url, { max: 1 });
      const rows = await sql`select receipt from city_library.act where number = ${number} order by revision`;
      await sql.end();
      return rows.map((row) => String(row.receipt));
    },
    /** Returns the statements of the register that it has collected on a license, in order. */
    statements: async (number: string) => {
      const sql = postgres(database.url, { max: 1 });
      const rows = await sql`select revision, follows, id, document_digest, receipt from city_library.statement
        where number = ${number} order by revision`;
      await sql.end();
      return rows.map((row) => ({ ...row }));
    },
    /**
     * Gives the closed library another receipt key. The returned function restores the old key. It also replaces the
     * newer receipts by random ones, like those of a release before 0.4.
     */
    changeKey: async () => {
      const sql = postgres(database.url, { max: 1 });
      const otherKeyPem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      const receiptRows = await sql`select receipt from city_library.act`;
      const [oldKeyRow] = await sql`select private_key_pem from city_library.own_key where purpose = 'receipt'`;
      await sql`update city_library.own_key set private_key_pem = ${otherKeyPem} where purpose = 'receipt'`;
      return async () => {
        await sql`update city_library.own_key set private_key_pem = ${oldKeyRow?.private_key_pem} where purpose = 'receipt'`;
        await sql`update city_library.act set receipt = gen_random_uuid()::text
          where receipt <> all(${receiptRows.map((row) => String(row.receipt))})`;
        await sql.end();
      };
    },
    /** Returns the certificates that it has collected. */
    copies: async () => {
      const sql = postgres(database.url, { max: 1 });
      const rows =
        await sql`select identifier, document_digest, state from city_library.certificate order by identifier`;
      await sql.end();
      return rows.map((row) => ({ ...row }));
    },
    stop: async () => {
      await app?.close();
      await database.drop();
    },
  };
}
