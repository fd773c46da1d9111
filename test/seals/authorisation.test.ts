import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, decodeProtectedHeader, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { computeContentDigest, sha256 } from '../../subgraphs/kernel/events/events.ts';
import { type SealAuthorisation, writeAuthorisation } from '../../subgraphs/kernel/sealing/authorisation.ts';
import { SERVICES, type ServicePublicKeys } from '../../subgraphs/kernel/sealing/service-keys.ts';
import {
  generateServiceKeys,
  readServiceToken,
  type ServiceIdentity,
  writeServiceToken,
} from '../../subgraphs/kernel/sealing/service-token.ts';
import type { SealUseRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { requireAuthorisation } from '../../subgraphs/seals/signer/authority.ts';
import { openKnownFile } from '../../subgraphs/seals/signer/known-file.ts';
import { NO_PERSON_KEYS } from '../../subgraphs/seals/signer/person/credential.ts';
import { deciderOf } from './requests.ts';

/** Whose statements the signer takes as authorisations of a seal, and attacks on them. */

const { identities, publicKeys } = generateServiceKeys();
const AT = new Date('2026-06-01T00:00:00Z');
const ORGAN = 'yudu-lyj';
const CASE = '5c9d1a3e-0000-4000-8000-000000000001';

const requestOf = (caseId: string | null, content: Record<string, unknown> = { of: 'this' }): SealUseRequest => ({
  ...{ issuanceId: CASE, organ: ORGAN, matterId: 'm', caseId, identifier: 'i', content, authorisation: '' },
  act: caseId === null ? 'SUSPEND' : 'ISSUE',
  level: 'COUNTY',
});
const BY_CASE = requestOf(CASE);
const OWN = requestOf(null);

const statementOf = (request: SealUseRequest): SealAuthorisation => ({
  ...{ actor: 'yudu-lyj.approver', actorName: '钟文斌', organ: ORGAN, matter: 'm', caseId: request.caseId },
  ...{ act: request.act, contentDigest: computeContentDigest(request.content), authorisedAt: AT.toISOString() },
  decider: deciderOf(ORGAN),
});

/** What the signer says to a request with a statement. */
function judge(
  authorisation: string,
  request = BY_CASE,
  { keys = publicKeys, known = [] as string[] }: { keys?: ServicePublicKeys; known?: string[] } = {},
): Promise<string> {
  const isKnown = (digest: string) => known.includes(digest);
  const authority = { keys, isKnown, personKeys: NO_PERSON_KEYS, now: AT };
  return requireAuthorisation({ ...request, authorisation }, authority).then(
    () => 'TAKEN',
    (error) => error.code,
  );
}
const REFUSED = 'SEAL_AUTHORISATION_INVALID';

const kidOf = (key: KeyObject) => calculateJwkThumbprint(key.export({ format: 'jwk' }));
const publicKeyOf = (service: 'cases' | 'licenses') => publicKeys[service][0] as KeyObject;

/** Signs a statement as cases, except for what is changed. */
async function forge({ header = {}, claims = {}, key = identities.cases.privateKey as KeyObject | Uint8Array } = {}) {
  const kid = await kidOf(publicKeyOf('cases'));
  return new SignJWT({ ...statementOf(BY_CASE), iss: 'cases', ...claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'tongquan-seal-authorisation+jwt', kid, ...header })
    .sign(key);
}

test('a statement of the right process is taken, for an act by a case and for one of an organ', async () => {
  expect(await judge(await forge())).toBe('TAKEN');
  expect(await judge(await writeAuthorisation(identities.cases, statementOf(BY_CASE)))).toBe('TAKEN');
  expect(await judge(await writeAuthorisation(identities.licenses, statementOf(OWN)), OWN)).toBe('TAKEN');
  const jws = await writeAuthorisation(identities.cases, statementOf(BY_CASE));
  expect(decodeProtectedHeader(jws)).toEqual({
    alg: 'EdDSA',
    typ: 'tongquan-seal-authorisation+jwt',
    kid: await kidOf(publicKeyOf('cases')),
  });
});

describe('refused is', () => {
  test.each(SERVICES.filter((service) => service !== 'cases'))('the key of %s for a case', async (service) => {
    const { privateKey } = identities[service];
    expect(await judge(await writeAuthorisation({ service, privateKey }, statementOf(BY_CASE)))).toBe(REFUSED);
    // The same key under the name of cases, with its own kid and with that of cases.
    expect(await judge(await writeAuthorisation({ service: 'cases', privateKey }, statementOf(BY_CASE)))).toBe(REFUSED);
    expect(await judge(await forge({ key: privateKey }))).toBe(REFUSED);
  });

  test('the key of cases for an act without a case', async () => {
    for (const service of ['cases', 'licenses'] as const) {
      const identity: ServiceIdentity = { service, privateKey: identities.cases.privateKey };
      expect(await judge(await writeAuthorisation(identity, statementOf(OWN)), OWN), service).toBe(REFUSED);
    }
  });

  test('a token of a process, and a statement is no token of a process', async () => {
    for (const service of SERVICES)
      expect(await judge(await writeServiceToken(identities[service], 'signer', AT)), service).toBe(REFUSED);
    const exp = AT.getTime() / 1000 + 30;
    const statements = [await forge(), await forge({ claims: { aud: 'signer', exp } })];
    for (const statement of statements) {
      const check = { receiver: 'signer', publicKeys } as const;
      await expect(readServiceToken(statement, check, AT)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    }
  });

  test('another algorithm, type or kid, and no signature at all', async () => {
    const key = publicKeyOf('cases');
    const pem = Buffer.from(key.export({ type: 'spki', format: 'pem' }).toString());
    const raw = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
    const { privateKey: otherKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const genuine = await forge();
    const [, body = '', signature = ''] = genuine.split('.');
    const unsigned = { alg: 'none', typ: 'tongquan-seal-authorisation+jwt', kid: await kidOf(key) };
    const forged = [
      await forge({ header: { alg: 'HS256' }, key: pem }),
      await forge({ header: { alg: 'HS256' }, key: raw }),
      await forge({ header: { alg: 'HS256' }, key: key.export({ type: 'spki', format: 'der' }) }),
      await forge({ header: { alg: 'ES256' }, key: otherKey }),
      await forge({ header: { typ: 'JWT' } }),
      await forge({ header: { typ: undefined } }),
      await forge({ header: { typ: 'tongquan-service+jwt' } }),
      await forge({ header: { kid: undefined } }),
      await forge({ header: { kid: 'cases' } }),
      await forge({ header: { jwk: otherKey.export({ format: 'jwk' }), kid: undefined } }),
      await forge({ claims: { iss: 'constructor' } }),
      await forge({ claims: { iss: undefined } }),
      await forge({ claims: { iss: ['cases'] } }),
      `${Buffer.from(JSON.stringify(unsigned)).toString('base64url')}.${body}.`,
      `${Buffer.from(JSON.stringify(unsigned)).toString('base64url')}.${body}.${signature}`,
      `${genuine}.x`,
      '',
    ];
    for (const jws of forged) expect(await judge(jws), jws).toBe(REFUSED);
  });

  test('a statement that does not say in whose place the person decides, or says another organ', async () => {
    const claims = [
      { decider: undefined },
      { decider: null },
      { decider: { organ: ORGAN } },
      { decider: deciderOf('ganzhou-xzspj') },
      { decider: { organ: 'ganzhou-xzspj', decides: ORGAN, exception: null } },
    ];
    for (const one of claims) expect(await judge(await forge({ claims: one })), JSON.stringify(one)).toBe(REFUSED);
  });

  test('a genuine statement for another document, case, act, matter or organ', async () => {
    const jws = await forge();
    const others: Partial<SealUseRequest>[] = [
      { content: { of: 'another' } },
      { caseId: '5c9d1a3e-0000-4000-8000-000000000002' },
      { caseId: null },
      { act: 'CHANGE' },
      { matterId: 'n' },
      { organ: 'ganzhou-xzspj' },
    ];
    for (const other of others) expect(await judge(jws, { ...BY_CASE, ...other }), JSON.stringify(other)).toBe(REFUSED);
  });
});

describe('a key that is changed', () => {
  const next = generateServiceKeys();
  const both = { ...publicKeys, cases: [...publicKeys.cases, ...next.publicKeys.cases] };
  const changed = { ...publicKeys, cases: next.publicKeys.cases };

  test('counts beside the next one, and no longer after its end', async () => {
    const oldStatement = await forge();
    const newStatement = await writeAuthorisation(next.identities.cases, statementOf(BY_CASE));
    for (const jws of [oldStatement, newStatement]) expect(await judge(jws, BY_CASE, { keys: both })).toBe('TAKEN');
    expect(await judge(newStatement, BY_CASE, { keys: changed })).toBe('TAKEN');
    expect(await judge(oldStatement, BY_CASE, { keys: changed })).toBe(REFUSED);
    // The kid of the next key does not make the old key count.
    const kid = await kidOf(next.publicKeys.cases[0] as KeyObject);
    for (const keys of [both, changed])
      expect(await judge(await forge({ header: { kid } }), BY_CASE, { keys })).toBe(REFUSED);
  });

  test('leaves what waited and is listed, and nothing else that it signs', async () => {
    const waiting = await forge();
    const known = [sha256(waiting)];
    expect(await judge(waiting, BY_CASE, { keys: changed, known })).toBe('TAKEN');
    const [header, body, signature] = waiting.split('.');
    const later = await forge({ claims: { authorisedAt: '2026-05-01T00:00:00.000Z' } });
    for (const jws of [later, `${header}.${body}.`, `${header}.${body}.${signature}=`])
      expect(await judge(jws, BY_CASE, { keys: changed, known })).toBe(REFUSED);
    const replay = requestOf(CASE, { of: 'another' });
    expect(await judge(waiting, replay, { keys: changed, known })).toBe(REFUSED);
  });
});

describe('a statement of release 0.4', () => {
  const shared = randomBytes(32);
  const write = (iss: string, request: SealUseRequest, changes: object = {}) => {
    const { decider: _, ...statement } = statementOf(request);
    return new SignJWT({ ...statement, ...changes }).setProtectedHeader({ alg: 'HS256' }).setIssuer(iss).sign(shared);
  };

  test('is taken if it is listed, for its own content alone', async () => {
    const waiting = await write('cases', BY_CASE);
    expect(await judge(waiting)).toBe(REFUSED);
    const known = [sha256(waiting)];
    expect(await judge(waiting, BY_CASE, { known })).toBe('TAKEN');
    expect(await judge(waiting, requestOf(CASE, { of: 'another' }), { known })).toBe(REFUSED);
    // Whoever still has the shared key forges another one, also with an early time.
    const forged = await write('cases', BY_CASE, { actor: 'somebody' });
    const early = await write('cases', BY_CASE, { authorisedAt: '2020-01-01T00:00:00.000Z' });
    for (const jws of [forged, early]) expect(await judge(jws, BY_CASE, { known })).toBe(REFUSED);
  });

  test('of licenses is taken for no case, even if it is listed', async () => {
    const wrong = await write('licenses', BY_CASE);
    expect(await judge(wrong, BY_CASE, { known: [sha256(wrong)] })).toBe(REFUSED);
    const own = await write('licenses', OWN);
    expect(await judge(own, OWN, { known: [sha256(own)] })).toBe('TAKEN');
    const gateway = await write('gateway', BY_CASE);
    expect(await judge(gateway, BY_CASE, { known: [sha256(gateway)] })).toBe(REFUSED);
  });
});

test('the list is a file of digests; a malformed one is a fault', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-known-'));
  const file = join(folder, 'known.json');
  const isKnown = openKnownFile(file);
  const digest = sha256('a');
  try {
    expect([openKnownFile(undefined)(digest), isKnown(digest)]).toEqual([false, false]);
    writeFileSync(file, JSON.stringify({ authorisations: [digest] }));
    expect([isKnown(digest), isKnown(sha256('b')), isKnown('')]).toEqual([true, false, false]);
    for (const text of ['', '{}', '[]', '{"authorisations":["x"]}', `{"authorisations":["${digest}"],"all":true}`]) {
      writeFileSync(file, text);
      expect(() => isKnown(digest), text).toThrow();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
