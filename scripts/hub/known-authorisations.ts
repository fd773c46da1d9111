import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { jwtVerify } from 'jose';
import postgres from 'postgres';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import {
  AUTHORISING_SUBGRAPHS,
  type AuthorisationKeys,
  readAuthorisation,
} from '../../subgraphs/kernel/sealing/authorisation.ts';
import { knownAuthorisations } from '../../subgraphs/seals/signer/known-file.ts';
import { locateKnownFile, locateSignerKeyFile, type Secrets, type SharedKeys, storeServiceKeys } from './secrets.ts';

/**
 * Lists the authorisations that wait for their seal while the keys change that sign them. The signer takes what is
 * listed, word for word, after no key verifies it any more.
 */

/** The keys that end. */
export interface EndingKeys {
  /** Keys of release 0.4 (HS256). */
  shared?: Partial<SharedKeys> | undefined;
  /** Public keys of processes. */
  services?: AuthorisationKeys | undefined;
  /** Digests of an earlier list. What of it still waits stays listed. */
  known?: readonly string[] | undefined;
}

/** What was found to wait. `refused`: how many statements no key verifies. They are not listed. */
export interface KnownAuthorisations {
  digests: string[];
  refused: number;
}

/**
 * Returns the digests of the authorisations that wait for their seal: of decision documents, certificate tasks, acts,
 * and granted cases that licenses have not received yet. Each must verify by a key that ends, or be listed already.
 */
export async function listKnown(databaseUrl: string, keys: EndingKeys): Promise<KnownAuthorisations> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const rows = await sql<{ authorisation: string }[]>`
      select authorisation from cases.decision_seal where state <> 'DONE'
      union select authorisation from licenses.certificate_task where done_at is null and voided_at is null
      union select authorisation from licenses.act where state <> 'DONE' and authorisation is not null
      union select payload->>'authorisation' from cases.outbox_event e where type = 'CaseGranted' and not exists (
        select from licenses.certificate_task t where t.case_id = (e.payload->>'caseId')::uuid)`;
    const digests: string[] = [];
    for (const { authorisation } of rows) if (await isOurs(authorisation, keys)) digests.push(sha256(authorisation));
    return { digests: digests.toSorted(), refused: rows.length - digests.length };
  } finally {
    await sql.end();
  }
}

async function isOurs(jws: string, { shared = {}, services, known = [] }: EndingKeys): Promise<boolean> {
  if (known.includes(sha256(jws))) return true;
  for (const issuer of AUTHORISING_SUBGRAPHS) {
    const key = shared[issuer];
    if (key && (await succeeds(jwtVerify(jws, key, { algorithms: ['HS256'], issuer })))) return true;
  }
  return services !== undefined && succeeds(readAuthorisation(services, jws));
}

const succeeds = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => true,
    () => false,
  );

/** Returns the digests of a list that exists, or none. Throws if it is malformed. */
export function readKnownFile(file: string): string[] {
  return existsSync(file) ? knownAuthorisations.parse(JSON.parse(readFileSync(file, 'utf8'))).authorisations : [];
}

/** Writes the signer's list, as a whole. */
export function writeKnownFile(file: string, { digests }: KnownAuthorisations): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ authorisations: digests }, null, 2), { mode: 0o600, flush: true });
  renameSync(draft, file);
}

/**
 * The first start of a folder of release 0.4: lists what waits, then drops the shared keys. Interrupted in between, the
 * next start lists it again: nothing was authorised by the new keys yet.
 */
export async function replaceSharedKeys(folder: string, secrets: Secrets, databaseUrl: string): Promise<void> {
  if (secrets.sharedKeys === null) return;
  const known = await listKnown(databaseUrl, { shared: secrets.sharedKeys });
  writeKnownFile(locateKnownFile(locateSignerKeyFile(folder)), known);
  storeServiceKeys(folder, secrets);
}
