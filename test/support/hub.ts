import { createHash, randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createHub, type Hub, type HubConfig } from '../../gateway/hub.ts';
import { seedHub } from '../../scripts/hub/seed.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from './actors.ts';
import { createTestDatabase, makeTemplate, type TestDatabase } from './database.ts';
import { TEST_INTAKE_LIMITS, TEST_LIMITS } from './limits.ts';
import { testParsers } from './parsers.ts';
import { asRemote } from './remote-signer.ts';
import { waitUntil } from './until.ts';

/** An answer of the gateway. */
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the shape of the answer depends on the test's query
  data: any;
  errors?: { message: string; extensions: { code: string } }[];
}

export interface TestHub {
  hub: Hub;
  adminUrl: string;
  databaseUrls: HubConfig['databaseUrls'];
  /** Sends a query as a demo person (see `actors.ts`), or as the public if `person` is null. */
  ask(person: string | null, query: string, variables?: Record<string, unknown>): Promise<Answer>;
  token(person: string): Promise<string>;
  stop(): Promise<void>;
}

export interface TestHubOptions extends Partial<HubConfig> {
  /** The signer's key-encryption key. A hub with its own key has its own PKI. */
  keyEncryptionKey?: Uint8Array;
}

/** The signer's key-encryption key of every hub without its own one. */
export const RUN_KEY_ENCRYPTION_KEY: Uint8Array = createHash('sha256')
  .update(`seal keys of this run ${inject('databaseKey')}`)
  .digest();

/** A seeded template: when its seals were made, and a time at which they are still valid. */
interface Era {
  name: string;
  seededAt: Date;
  validUntil: Date;
}

/** The templates, each for the hubs whose clock starts within its validity. */
const ERAS: readonly [Era, ...Era[]] = [
  {
    name: 'tongquan_seeded',
    ...{ seededAt: new Date('2025-01-01T00:00:00Z'), validUntil: new Date('2027-12-01T00:00:00Z') },
  },
  {
    name: 'tongquan_seeded_2022',
    ...{ seededAt: new Date('2022-04-01T00:00:00Z'), validUntil: new Date('2024-12-01T00:00:00Z') },
  },
];

/**
 * Creates a whole, seeded hub on its own database and waits for its projections. Generating two dozen RSA keys takes
 * ten seconds of one core. A hub without its own key is therefore cloned from a seeded template of the run, if its
 * clock is within the validity of one.
 */
export async function createTestHub(options: TestHubOptions = {}): Promise<TestHub> {
  const at = options.now?.() ?? new Date();
  const era = ERAS.find(({ seededAt, validUntil }) => seededAt < at && at < validUntil);
  if (options.keyEncryptionKey || !era) return createHubOn(await createTestDatabase(), options, true);
  return createHubOn(await createTestDatabase(await makeSeededTemplate(era)), options, false);
}

/** Returns the name of a seeded template of the run. Fills it on the first call. */
export function makeSeededTemplate({ name, seededAt }: Era = ERAS[0]): Promise<string> {
  return makeTemplate(name, async (database) => {
    const hub = await createHubOn({ ...database, drop: async () => {} }, { now: () => seededAt }, true);
    await hub.stop();
  });
}

/** Creates a hub on a database. `stop` also drops the database. The last argument says that it is not seeded yet. */
export async function createHubOn(
  database: TestDatabase,
  { keyEncryptionKey = RUN_KEY_ENCRYPTION_KEY, ...options }: TestHubOptions,
  isUnseeded: boolean,
): Promise<TestHub> {
  const { now: clock = () => new Date() } = options;
  const serviceKeys = options.serviceKeys ?? generateServiceKeys();
  const hub = await createHub({
    databaseUrls: database.urls,
    tokenKey: tokenKeys.publicKey,
    parsers: testParsers,
    signer: asRemote(createSigner({ ring: [keyEncryptionKey], publicKeys: serviceKeys.publicKeys, now: clock })),
    ...{ serviceKeys, derivationKey: randomBytes(32) },
    publicUrl: 'http://127.0.0.1:4000',
    library: null,
    limits: TEST_LIMITS,
    intakeLimits: TEST_INTAKE_LIMITS,
    pollMs: 20,
    movePollMs: 500,
    onFault: () => {},
    ...options,
  });
  if (isUnseeded) await seedHub(hub);
  const now = options.now ?? (() => new Date());
  const token = (person: string) => tokenFor(requireDemoPerson(person), now());
  const ask = async (
    person: string | null,
    query: string,
    variables: Record<string, unknown> = {},
  ): Promise<Answer> => {
    const headers = person === null ? {} : { authorization: `Bearer ${await token(person)}` };
    const response = await hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query, variables } });
    return { status: response.statusCode, ...response.json() };
  };
  const stop = async () => {
    await hub.stop();
    await database.drop();
  };
  await waitUntil('the projections have caught up', () => areProjectionsCaughtUp(database.adminUrl));
  return { hub, adminUrl: database.adminUrl, databaseUrls: database.urls, ask, token, stop };
}

async function areProjectionsCaughtUp(adminUrl: string): Promise<boolean> {
  const { default: postgres } = await import('postgres');
  const sql = postgres(adminUrl, { max: 1 });
  try {
    const [row] = await sql`select
      (select count(*) from cases.matter_fact) = (select count(*) from matters.matter) and
      (select count(*) from cases.guide_fact) = (select count(distinct matter_id) from matters.guide_version) and
      (select count(*) from cases.license_type_fact) = (select count(distinct code) from matters.license_type_version) and
      (select count(*) from licenses.license_type) = (select count(distinct code) from matters.license_type_version) and
      (select count(*) from cases.acceptance_seal) =
        (select count(*) from seals.seal where kind = 'ACCEPTANCE_SEAL' and required_since is not null) and
      (select count(*) from licenses.seal_fact) = (select count(*) from seals.seal) as done`;
    return row?.done === true;
  } finally {
    await sql.end();
  }
}
