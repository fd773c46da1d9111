import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { SignJWT } from 'jose';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeOwnKey } from '../../../gateway/sign-in/own-key.ts';
import { createSignIn } from '../../../gateway/sign-in/sign-in.ts';
import type { ResolvePerson } from '../../../subgraphs/kernel/actor.ts';
import { sha256 } from '../../../subgraphs/kernel/events/events.ts';
import { serveSubgraph } from '../../../subgraphs/kernel/http/serve.ts';
import type { ServiceReceiver } from '../../../subgraphs/kernel/sealing/service-token.ts';
import { generateServiceKeys, writeServiceToken } from '../../../subgraphs/kernel/sealing/service-token.ts';
import { TokenError } from '../../../subgraphs/kernel/sealing/token.ts';
import { buildUseLeaf } from '../../../subgraphs/seals/log/leaf.ts';
import { addPortRoutes } from '../../../subgraphs/seals/port-routes.ts';
import { createSigner } from '../../../subgraphs/seals/signer/signer.ts';
import { serveSigner } from '../../../subgraphs/seals/signer/signer-routes.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from '../../support/actors.ts';
import { testClock } from '../../support/clock.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../../support/flow.ts';
import { createTestHub, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../../support/hub.ts';
import { AUDIENCE, makeIssuerKey, signIssuerToken, startIssuer, type TestIssuer } from '../../support/issuer.ts';
import { listRoutes } from '../../support/routes.ts';
import { forgeIdentity, identities, servicesOf } from '../../support/services.ts';
import { waitUntil } from '../../support/until.ts';

/**
 * Forged, stale and foreign tokens at every door of the hub: every route of the edge, of each subgraph in its own
 * process, and of the signer. A new route without a row fails.
 */

const clock = testClock('2026-03-02T01:00:00Z');
const ADMINISTRATOR = requireDemoPerson('administrator');
const APPROVER = requireDemoPerson('yudu-lyj.approver');
const own = makeOwnKey();
const issuerKey = makeIssuerKey('k');
/** Who has this subject left yesterday, so the register does not know them today. */
const LEFT = 'left-yesterday';
const ENDED = 'ended-session';

let hub: TestHub;
let issuer: TestIssuer;
let folder: string;
let sql: postgres.Sql;
let license: { identifier: string; document: { digest: string } };
const closedEntry = randomUUID();

const resolvePerson: ResolvePerson = async ({ subject, session }) => {
  if (session === ENDED) throw new TokenError('SESSION_ENDED');
  return subject === LEFT ? null : ADMINISTRATOR;
};

beforeAll(async () => {
  issuer = await startIssuer(issuerKey);
  folder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
  const settings = {
    ...{ issuer: issuer.url, audience: AUDIENCE, clients: [], holderClaim: 'id_number' },
    kind: 'access' as const,
    ...{ maxLifeSeconds: 3_600, staleSeconds: 600 },
  };
  hub = await createTestHub({
    ...{ now: clock, log: { folder } },
    identities: { issuers: [settings], resolvePerson, takesOwnTokens: true },
  });
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
  await plantClosedEntry();
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  issuer?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Adds an entry as release 0.4 wrote it, and waits until it can be proved. */
async function plantClosedEntry(): Promise<void> {
  const leaf = buildUseLeaf({
    ...{ issuanceId: closedEntry, sealId: 's', organ: 'yudu-lyj', matterId: 'm', caseId: null, act: 'ISSUE' },
    ...{ identifier: 'i', blankNumber: null, contentDigest: sha256('c'), authorisedById: 'a', authorisation: 'j' },
    ...{ suite: 'PAdES', documentDigest: sha256('d'), signature: Buffer.of(1), isSalted: false, at: clock() },
  });
  await sql`with l as (insert into seals.log_leaf (kind, subject, entry, hash, at)
    values (${leaf.kind}, ${leaf.subject}, ${leaf.entry}, ${Buffer.from(leaf.hash)}, ${leaf.at}) returning serial)
    insert into seals.log_pending select serial from l`;
  const url = `/log/proof/${closedEntry}`;
  await waitUntil('the entry has its place', async () => (await hub.hub.app.inject({ url })).statusCode === 401);
}

const secondsFrom = (seconds: number) => new Date(clock().getTime() + seconds * 1000);
const toSeconds = (date: Date) => Math.floor(date.getTime() / 1000);
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Claims of a demo token of the administrator. */
const claims = () => ({
  ...{ iss: 'tongquan', aud: 'tongquan-hub', sub: 'administrator', name: '某人', roles: ['ADMINISTRATOR'] },
  ...{ iat: toSeconds(clock()), exp: toSeconds(secondsFrom(600)) },
});
const signClaims = (changes: object, alg: string, key: Parameters<SignJWT['sign']>[0]) =>
  new SignJWT({ ...claims(), ...changes }).setProtectedHeader({ alg }).sign(key);
const publicPem = tokenKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const fromIssuer = (changes: object, key = issuerKey) => signIssuerToken(issuer, key, clock(), { ...changes });
const ownTokenOf = (at: Date) =>
  createSignIn({ issuers: [], resolvePerson, ownKey: own.privateKey, demoKey: null, now: clock }).writeToken(
    ADMINISTRATOR,
    at,
  );

/** Tokens that nobody may come in by at the edge, with the code of the refusal. */
const BAD_TOKENS: Readonly<Record<string, [make: () => Promise<string> | string, code: string]>> = {
  'no token at all, but a word': [() => 'administrator', 'TOKEN_INVALID'],
  'signed by a stranger': [() => signClaims({}, 'EdDSA', generateKeyPairSync('ed25519').privateKey), 'TOKEN_INVALID'],
  'without a signature': [() => `${encode({ alg: 'none' })}.${encode(claims())}.`, 'TOKEN_INVALID'],
  'with the public key as a password': [() => signClaims({}, 'HS256', Buffer.from(publicPem)), 'TOKEN_INVALID'],
  'with roles changed after it was signed': [
    async () => {
      const [header, , signature] = (await signClaims({ roles: ['APPLICANT'] }, 'EdDSA', tokenKeys.privateKey)).split(
        '.',
      );
      return `${header}.${encode(claims())}.${signature}`;
    },
    'TOKEN_INVALID',
  ],
  'of an hour ago': [() => tokenFor(ADMINISTRATOR, secondsFrom(-3_600), 600), 'TOKEN_EXPIRED'],
  'for another audience': [() => signClaims({ aud: 'another' }, 'EdDSA', tokenKeys.privateKey), 'TOKEN_INVALID'],
  'without an end': [() => signClaims({ exp: undefined }, 'EdDSA', tokenKeys.privateKey), 'TOKEN_INVALID'],
  'of an unknown issuer': [() => fromIssuer({ iss: 'https://issuer.example' }), 'TOKEN_INVALID'],
  'of the issuer by another key': [() => fromIssuer({}, makeIssuerKey('k')), 'TOKEN_INVALID'],
  'of the issuer for another hub': [() => fromIssuer({ aud: 'another' }), 'TOKEN_INVALID'],
  'of the issuer, ended': [
    () => fromIssuer({ iat: toSeconds(secondsFrom(-900)), exp: toSeconds(secondsFrom(-300)) }),
    'TOKEN_EXPIRED',
  ],
  'of an ended session': [() => fromIssuer({ sid: ENDED }), 'SESSION_ENDED'],
  'of who left yesterday': [() => fromIssuer({ sub: LEFT }), 'PERSON_UNKNOWN'],
  'of the gateway itself': [() => ownTokenOf(clock()), 'TOKEN_INVALID'],
  'of a process': [() => writeServiceToken(identities.seals, 'cases', clock()), 'TOKEN_INVALID'],
};

/**
 * What a route of the edge asks for: a person's token, nothing, or a signature of its own that no token replaces. The
 * last two answer a bad token as they answer nobody.
 */
const EDGE: Readonly<Record<string, 'TOKEN' | 'PUBLIC' | 'SIGNED'>> = {
  ...{ 'GET /graphql': 'TOKEN', 'POST /graphql': 'TOKEN', 'GET /files/:digest': 'TOKEN' },
  ...{ 'POST /cases/materials': 'TOKEN', 'GET /cases/materials/:id': 'TOKEN', 'GET /cases/notices/:file': 'TOKEN' },
  ...{ 'GET /cases/statistics.csv': 'TOKEN', 'GET /licenses/statistics.csv': 'TOKEN' },
  'GET /cases/public-decisions.csv': 'PUBLIC',
  ...{ 'GET /log/proof/:subject': 'TOKEN', 'GET /licenses/overprint/:identifier': 'TOKEN' },
  ...{ 'POST /cases/supervision/findings': 'SIGNED', 'POST /cases/platform/v1/messages': 'SIGNED' },
  ...{ 'POST /cases/platform/v2/messages': 'SIGNED', 'GET /cases/platform/v2/files/:upload': 'SIGNED' },
  'POST /sign-in/back-channel-logout': 'SIGNED',
  ...{ 'POST /file-links': 'TOKEN', 'GET /file-links/refused/:code': 'PUBLIC' },
  ...{
    'GET /explorer': 'PUBLIC',
    'GET /schema.graphql': 'PUBLIC',
    'GET /labels.json': 'PUBLIC',
    'GET /progress': 'PUBLIC',
    'POST /progress': 'PUBLIC',
    'GET /reference': 'PUBLIC',
    'GET /reference/:type': 'PUBLIC',
  },
  ...{
    'GET /': 'PUBLIC',
    'GET /verify': 'PUBLIC',
    'GET /v': 'PUBLIC',
    'GET /v/:identifier': 'PUBLIC',
    'GET /root.pem': 'PUBLIC',
  },
  ...{ 'GET /health/live': 'PUBLIC', 'GET /health/ready': 'PUBLIC' },
  ...{ 'GET /licenses/status-list': 'PUBLIC', 'GET /licenses/seal/:identifier': 'PUBLIC' },
  ...{ 'GET /licenses/evidence/:identifier': 'PUBLIC', 'GET /seals/certificates.pem': 'PUBLIC' },
  ...{ 'GET /seals/root.crl': 'PUBLIC', 'GET /seals/issuing.crl': 'PUBLIC', 'GET /seals/picture/:digest': 'PUBLIC' },
  // Closed tiles have the guard of the proof above, and a test in closed-entries.db.test.ts.
  ...{ 'GET /log/tile/*': 'PUBLIC' },
  ...{
    'GET /log': 'PUBLIC',
    'GET /log/checkpoint': 'PUBLIC',
    'GET /log/key': 'PUBLIC',
    'GET /log/verify.mjs': 'PUBLIC',
  },
};

interface Door {
  name: string;
  method: string;
  url: string;
}

async function listDoors(app: FastifyInstance): Promise<Door[]> {
  const routes = await listRoutes(app);
  const open = routes.filter(({ method }) => method !== 'OPTIONS');
  return open.map(({ method, url }) => {
    const target = url
      .replace(':identifier', license.identifier)
      .replace(':digest', license.document.digest)
      .replace(':subject', closedEntry)
      .replace(/:\w+/g, randomUUID());
    const query = url === '/graphql' && method === 'GET' ? '?query={__typename}' : '';
    return { name: `${method} ${url}`, method, url: `${target}${query}` };
  });
}

async function knock(app: FastifyInstance, { method, url }: Door, token: string | null) {
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...{ 'x-purpose': 'VERIFICATION', 'apollo-require-preflight': '1' },
  };
  const body = url.startsWith('/graphql') ? { query: '{ __typename }' } : {};
  const payload = method === 'GET' ? {} : { payload: body };
  const answer = await app.inject({ method: method as 'GET', url, headers, ...payload });
  return { status: answer.statusCode, code: codeOf(answer.body), body: answer.body };
}

function codeOf(body: string): string | null {
  try {
    const { code, errors } = JSON.parse(body);
    return code ?? errors?.[0]?.extensions?.code ?? null;
  } catch {
    return null;
  }
}

const STATUSES: Readonly<Record<string, number>> = { PERSON_UNKNOWN: 403 };

describe('at the edge', () => {
  let doors: Door[];
  beforeAll(async () => {
    doors = await listDoors(hub.hub.app);
  });

  test('every route has a row, and every row a route', () => {
    const names = doors.map(({ name }) => name).filter((name) => !name.startsWith('GET /page/'));
    expect(names.sort()).toEqual(Object.keys(EDGE).sort());
  });

  test('a good token of the issuer and of the demonstration opens what needs one', async () => {
    for (const token of [await fromIssuer({}), await tokenFor(APPROVER, clock())])
      for (const door of doors.filter(({ name }) => EDGE[name] === 'TOKEN')) {
        const { status, code } = await knock(hub.hub.app, door, token);
        expect([door.name, status, /TOKEN|UNAUTHENTICATED/.test(code ?? '')]).toEqual([door.name, status, false]);
        expect([door.name, status]).not.toEqual([door.name, 401]);
      }
  });

  test.each(Object.entries(BAD_TOKENS))('a token %s opens nothing', async (_, [make, code]) => {
    const token = await make();
    for (const door of doors) {
      const { status, code: refusal, body } = await knock(hub.hub.app, door, token);
      if (EDGE[door.name] === 'TOKEN') {
        expect([door.name, status, refusal]).toEqual([door.name, STATUSES[code] ?? 401, code]);
        expect(body).not.toContain('"data":{');
      } else {
        const publicAnswer = await knock(hub.hub.app, door, null);
        expect([door.name, status, refusal]).toEqual([door.name, publicAnswer.status, publicAnswer.code]);
      }
    }
  });
});

describe('behind the edge', () => {
  const apps = new Map<ServiceReceiver, FastifyInstance>();
  beforeAll(async () => {
    const { matters, cases, licenses, seals } = hub.hub;
    for (const subgraph of [matters, cases, licenses, seals]) {
      const name = subgraph.name as Exclude<ServiceReceiver, 'signer'>;
      const options = { tokenKey: own.publicKey, services: servicesOf(name), now: clock };
      const addRoutes = (app: FastifyInstance) => addPortRoutes(app, seals, options);
      apps.set(name, await serveSubgraph(subgraph, options, name === 'seals' ? addRoutes : undefined));
    }
    const serviceKeys = generateServiceKeys();
    const signer = createSigner({ ring: [RUN_KEY_ENCRYPTION_KEY], publicKeys: serviceKeys.publicKeys, now: clock });
    apps.set('signer', serveSigner(signer, { services: servicesOf('signer'), now: clock }));
  });
  afterAll(() => Promise.all([...apps.values()].map((app) => app.close())));

  /** Routes that only a process of the hub may call. The rest of a subgraph is what the edge hands on. */
  const isForServices = (receiver: ServiceReceiver, { name }: Door) =>
    receiver === 'signer'
      ? name.startsWith('POST')
      : /^POST \/(events|sign|picture|person-signing|code|attest|attest-acts|stamp|material|record)\b/.test(name);

  const foreign = async (receiver: ServiceReceiver): Promise<[string, string | null, number][]> => [
    ['nothing', null, 401],
    ['a word', 'seals', 401],
    ['a demo token', await tokenFor(ADMINISTRATOR, clock()), 401],
    ['a token of the issuer', await fromIssuer({}), 401],
    ['the gateway’s token of a person', await ownTokenOf(clock()), 401],
    [
      'a token of a process with a key that nobody knows',
      await writeServiceToken(forgeIdentity('seals'), receiver, clock()),
      401,
    ],
    [
      'a token for another receiver',
      await writeServiceToken(identities.seals, receiver === 'cases' ? 'matters' : 'cases', clock()),
      401,
    ],
    ['a stale token', await writeServiceToken(forgeStale('seals'), receiver, secondsFrom(-300)), 401],
    ['the token of the gateway', await writeServiceToken(identities.gateway, receiver, clock()), 403],
  ];
  /** The identity again, so that its fresh token is not taken from the cache. */
  const forgeStale = (service: 'seals') => ({
    service,
    privateKey: createPrivateKey(identities[service].privateKey.export({ type: 'pkcs8', format: 'pem' })),
  });

  test('doors between the processes open to no token of a person and to no foreign process', async () => {
    let tried = 0;
    for (const [receiver, app] of apps)
      for (const door of await listDoors(app)) {
        if (!isForServices(receiver, door)) continue;
        for (const [title, token, expected] of await foreign(receiver)) {
          const { status } = await knock(app, door, token);
          expect([receiver, door.name, title, status]).toEqual([receiver, door.name, title, expected]);
          tried++;
        }
      }
    expect(tried).toBeGreaterThan(200);
  });

  test('no route of a subgraph but those of the edge and of the processes exists', async () => {
    const edge = (await listDoors(hub.hub.app)).map(({ name }) => name);
    const others: string[] = [];
    for (const [receiver, app] of apps)
      for (const door of await listDoors(app))
        if (!isForServices(receiver, door) && !edge.includes(door.name)) others.push(`${receiver} ${door.name}`);
    expect(others).toEqual([]);
  });

  test('GraphQL of a subgraph takes the gateway’s short token until its end, and no other', async () => {
    const tokens: [string, string, number][] = [
      ['of the gateway', await ownTokenOf(clock()), 200],
      ['of the gateway, replayed after its end', await ownTokenOf(secondsFrom(-100)), 401],
      ['of the demonstration', await tokenFor(ADMINISTRATOR, clock()), 401],
      ['of the issuer', await fromIssuer({}), 401],
      ['of a process', await writeServiceToken(identities.gateway, 'cases', clock()), 401],
    ];
    for (const [receiver, app] of apps) {
      if (receiver === 'signer') continue;
      const door = { name: 'POST /graphql', method: 'POST', url: '/graphql' };
      for (const [title, token, expected] of tokens)
        expect([receiver, title, (await knock(app, door, token)).status]).toEqual([receiver, title, expected]);
    }
  });
});
