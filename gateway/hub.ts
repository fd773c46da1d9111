import type { KeyObject } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type ConnectionPool, connect } from '../db/client.ts';
import type { SubgraphName } from '../db/migrate.ts';
import { type Cases, type CasesDependencies, createCases } from '../subgraphs/cases/index.ts';
import type { PersonRegister } from '../subgraphs/cases/person/register.ts';
import { addRegisterRoutes } from '../subgraphs/cases/person/routes.ts';
import type { ResolvePerson } from '../subgraphs/kernel/actor.ts';
import type { Clock } from '../subgraphs/kernel/day.ts';
import { logFailure, logFault } from '../subgraphs/kernel/environment/log.ts';
import type { SendEvent } from '../subgraphs/kernel/events/relay.ts';
import type { ParserPool } from '../subgraphs/kernel/foreign/pool.ts';
import { createHalt, type Halt, type HaltReason } from '../subgraphs/kernel/halt.ts';
import type { GatewayProof } from '../subgraphs/kernel/http/caller-hook.ts';
import type { TokenCheck } from '../subgraphs/kernel/http/context.ts';
import type { OnFault } from '../subgraphs/kernel/http/errors.ts';
import {
  attestActsOverHttp,
  attestOverHttp,
  createEventSender,
  readMaterialOverHttp,
  readPersonSigningOverHttp,
  readPictureOverHttp,
  recordReceiptOverHttp,
  type ServiceCaller,
  signCodeOverHttp,
  signOverHttp,
  stampOverHttp,
} from '../subgraphs/kernel/http/ports-client.ts';
import {
  addSubgraphRoutes,
  type ServeOptions,
  type Subgraph,
  serveSubgraph,
  takeEvent,
} from '../subgraphs/kernel/http/serve.ts';
import type { HubLimits } from '../subgraphs/kernel/limits/limits.ts';
import type { ReadPersonSigning } from '../subgraphs/kernel/sealing/person-signature.ts';
import type { ServiceKeys } from '../subgraphs/kernel/sealing/service-token.ts';
import type {
  Attest,
  AttestActs,
  ReadEvidenceMaterial,
  ReadPicture,
  RecordReceipt,
  Sign,
  SignCode,
  Stamp,
} from '../subgraphs/kernel/sealing/sign.ts';
import { createLicenses, type Licenses, type LicensesDependencies } from '../subgraphs/licenses/index.ts';
import { createLibraryClient, type LibraryClientOptions } from '../subgraphs/licenses/library/library-client.ts';
import { createMatters, type Matters } from '../subgraphs/matters/index.ts';
import { createSeals, type LogSettings, type Seals } from '../subgraphs/seals/index.ts';
import { addPortRoutes } from '../subgraphs/seals/port-routes.ts';
import type { Signer } from '../subgraphs/seals/signer/signer.ts';
import type { CostLimits } from './cost/limits.ts';
import { createGateway, type GatewayOptions, type SubgraphSource } from './gateway.ts';
import { createRemoteRegister, proxySubgraph, requireLive } from './remote.ts';
import { addLogoutRoute } from './sign-in/logout-route.ts';
import { makeOwnKey } from './sign-in/own-key.ts';
import { deferRegister } from './sign-in/register.ts';
import { createSignIn, type EdgeSignIn, type SignInOptions } from './sign-in/sign-in.ts';

/** The configuration of a whole hub. Nothing is read from the environment. */
export interface HubConfig {
  /** One URL per subgraph, each with its own role. */
  databaseUrls: Readonly<Record<SubgraphName, string>>;
  /** Public half of the key pair that signs people's tokens (Ed25519). */
  tokenKey: KeyObject;
  /** Who else says who somebody is. Absent: the hub's own tokens count, and nothing else. */
  identities?: Pick<SignInOptions, 'issuers'> & {
    /** Finds the person of an identity. Absent: the register of people does. */
    resolvePerson?: ResolvePerson;
    /** Whether tokens by `tokenKey` count beside those of the issuers. Never in production. */
    takesOwnTokens: boolean;
  };
  /** Adds further routes to the gateway, such as those of an issuer for development. */
  addRoutes?: ((app: FastifyInstance) => Promise<void>) | undefined;
  /** Parses what strangers send. Its owner stops it, after the hub. */
  parsers: ParserPool;
  /** The only holder of private keys, in another process or, in tests, in this one. */
  signer: Signer;
  /** Keys of the hub's parts. The signer must know those of cases and licenses. */
  serviceKeys: ServiceKeys;
  /** The secrets of webhooks and approval platforms are derived from it. */
  derivationKey: Uint8Array;
  /** Public URL of the gateway. Every QR code contains it. */
  publicUrl: string;
  /** Web pages of other origins that may use the hub. None if absent. */
  allowedOrigins?: GatewayOptions['allowedOrigins'];
  /** How a person signs in on the explorer. Absent: with a token typed by hand. */
  explorer?: GatewayOptions['explorer'];
  /** The city library (市电子证照库) that collects licenses, or null if none is connected. */
  library: Omit<LibraryClientOptions, 'now' | 'parsers'> | null;
  /** `local`: subgraphs by function call. `http`: each on a port of 127.0.0.1, as in separate processes. */
  transport?: 'local' | 'http';
  /** The office's scanner of uploaded files, if it has one. */
  scan?: CasesDependencies['scan'];
  signatureAnchors?: CasesDependencies['signatureAnchors'];
  uploadLimits?: CasesDependencies['uploadLimits'];
  intakeLimits?: CasesDependencies['intakeLimits'];
  /** The transparency log of seals. Without a folder, its static files are not published. */
  log?: LogSettings;
  /** Authorities whose seal certificates are accepted, PEM. */
  trustedAuthorities?: readonly string[];
  /** Hosts in private networks to which a supervisor's webhook may point, and an approval platform. */
  webhookHosts?: readonly string[] | undefined;
  platformHosts?: readonly string[] | undefined;
  /** Proxies in front of the hub: addresses and networks. */
  trustedProxies?: readonly string[];
  /** Limits on the work of operations. */
  limits?: CostLimits;
  /** Limits per caller and of connections. */
  callerLimits?: HubLimits | undefined;
  /** Time after which a read is cancelled. */
  readDeadlineMs?: number | undefined;
  /** Called after certificates and log have their keys, and before background work starts. */
  onPrepared?: (seals: Seals) => Promise<void>;
  now?: Clock;
  pollMs?: number;
  /** Longest time that the answer of a mutation waits until the other subgraphs know what it changed. */
  eventWaitMs?: number | undefined;
  /** Seconds for which a link to a file counts. */
  fileLinkSeconds?: number | undefined;
  /** How often cases are checked for changes due to a new day. */
  movePollMs?: number;
  onStep?: LicensesDependencies['onStep'];
  onFault?: OnFault;
  /** Called once, when the hub halts: it then seals, writes and sends nothing more. */
  onHalt?: (reason: HaltReason) => void;
}

/** A whole hub in this process. */
export interface Hub {
  /** The gateway. It does not listen yet. */
  app: FastifyInstance;
  matters: Matters;
  cases: Cases;
  licenses: Licenses;
  seals: Seals;
  /** Whether it acts. */
  halt: Halt;
  stop(): Promise<void>;
}

type Subgraphs = Pick<Hub, 'matters' | 'cases' | 'licenses' | 'seals'>;

/** Builds the hub and starts its relays. */
export async function createHub(config: HubConfig): Promise<Hub> {
  const now = config.now ?? (() => new Date());
  const pools = openPools(config);
  const onFault = config.onFault ?? logFault;
  const baseUrls: Record<string, string> = {};
  let stopWork = () => {};
  const halt = createHalt((reason) => {
    config.onHalt?.(reason);
    stopWork();
  });
  const { identities, publicKeys } = config.serviceKeys;
  const proof = { identity: identities.gateway, now };
  const register = deferRegister(() =>
    baseUrls.cases === undefined ? subgraphs.cases : createRemoteRegister(baseUrls.cases, proof),
  );
  const tokenCheck = createTokenCheck(config, register, now);
  const buildServeOptions = (receiver: SubgraphName): ServeOptions => {
    return { ...config, ...tokenCheck, services: { receiver, publicKeys } };
  };
  const subgraphs = wireSubgraphs(config, pools, now, onFault, { baseUrls, halt, identities });
  const subgraphList: Subgraph[] = [subgraphs.matters, subgraphs.cases, subgraphs.licenses, subgraphs.seals];
  const servers: FastifyInstance[] = [];
  try {
    await subgraphs.seals.prepare();
    await config.onPrepared?.(subgraphs.seals);
    if (config.transport === 'http') servers.push(...(await serveSubgraphs(subgraphs, buildServeOptions, baseUrls)));
    const app = await createGateway({
      parsers: config.parsers,
      sources: Object.fromEntries(subgraphList.map((subgraph) => [subgraph.name, toSource(subgraph, baseUrls)])),
      ...tokenCheck,
      identity: proof.identity,
      trustedProxies: config.trustedProxies,
      limits: config.limits,
      callerLimits: config.callerLimits,
      ...{ readDeadlineMs: config.readDeadlineMs, fileLinkSeconds: config.fileLinkSeconds },
      rootCertificate: () => subgraphs.seals.rootCertificate(),
      mount: async (gateway) => {
        await config.addRoutes?.(gateway);
        await addLogoutRoute(gateway, { ...register, ...tokenCheck.signIn, now });
        for (const subgraph of subgraphList) {
          const url = baseUrls[subgraph.name];
          if (url !== undefined) await proxySubgraph(gateway, subgraph.name, url, { ...proof, check: tokenCheck });
          else await addSubgraphRoutes(gateway, subgraph, buildServeOptions(subgraph.name));
        }
      },
      checks: createChecks(pools, baseUrls, proof),
      allowedOrigins: config.allowedOrigins,
      explorer: config.explorer,
      publicUrl: config.publicUrl,
      halt,
      onFault,
    });
    for (const subgraph of subgraphList) subgraph.start();
    stopWork = () => void Promise.all(subgraphList.map((subgraph) => subgraph.stop())).catch(() => {});
    const stop = async () => {
      await app.close();
      await Promise.all(subgraphList.map((subgraph) => subgraph.stop()));
      await Promise.all(servers.map((subgraph) => subgraph.close()));
      await closePools(pools);
    };
    return { app, ...subgraphs, halt, stop };
  } catch (error) {
    await Promise.all(servers.map((subgraph) => subgraph.close()));
    await closePools(pools);
    throw error;
  }
}

/** Processes behind the gateway read only what the gateway signs, with a key that nobody else ever has. */
function createTokenCheck(
  { identities, tokenKey }: HubConfig,
  register: PersonRegister,
  now: Clock,
): TokenCheck & { signIn: EdgeSignIn } {
  const { publicKey, privateKey } = makeOwnKey();
  const signIn = createSignIn({
    issuers: identities?.issuers ?? [],
    ...{ ...register, resolvePerson: identities?.resolvePerson ?? register.resolvePerson },
    ownKey: privateKey,
    demoKey: (identities?.takesOwnTokens ?? true) ? tokenKey : null,
    now,
  });
  return { tokenKey: publicKey, signIn, now };
}

type Pools = Readonly<Record<SubgraphName, ConnectionPool>>;

function openPools({ databaseUrls }: HubConfig): Pools {
  return {
    matters: connect(databaseUrls.matters, 'tongquan-matters'),
    cases: connect(databaseUrls.cases, 'tongquan-cases'),
    licenses: connect(databaseUrls.licenses, 'tongquan-licenses'),
    seals: connect(databaseUrls.seals, 'tongquan-seals'),
  };
}

async function closePools(pools: Pools): Promise<void> {
  await Promise.all(Object.values(pools).map((pool) => pool.close()));
}

/**
 * Connects the subgraphs: their events, and the only synchronous calls, from licenses and cases to seals. Over HTTP,
 * the base URLs are known only after every subgraph listens, so each is looked up on use.
 */
function wireSubgraphs(
  config: HubConfig,
  pools: Pools,
  now: Clock,
  onFault: OnFault,
  { baseUrls, halt, identities }: { baseUrls: Record<string, string>; halt: Halt } & Pick<ServiceKeys, 'identities'>,
): Subgraphs {
  const isHttp = config.transport === 'http';
  const { derivationKey, pollMs, movePollMs, eventWaitMs } = config;
  const buildCaller = (service: SubgraphName) => ({ identity: identities[service], now });
  const sharedDependencies = {
    now,
    ...{ pollMs, eventWaitMs },
    parsers: config.parsers,
    onError: config.onFault ? (error: unknown) => onFault('relay', error) : logFailure,
  };
  const createSender =
    (producer: SubgraphName, consumer: () => Subgraph): SendEvent =>
    (event, signal) => {
      const subgraph = consumer();
      if (!isHttp) return takeEvent(subgraph, producer, event);
      const { name } = subgraph;
      return createEventSender(baseUrls[name] ?? '', name, buildCaller(producer))(event, signal);
    };
  const seals = createSeals({
    ...sharedDependencies,
    db: pools.seals.db,
    signer: config.signer,
    log: config.log,
    halt,
    trustedAuthorities: config.trustedAuthorities,
    send: { licenses: createSender('seals', () => licenses), cases: createSender('seals', () => cases) },
  });
  const createPorts = (service: SubgraphName) =>
    createSealPorts(seals, isHttp, () => baseUrls.seals ?? '', buildCaller(service));
  const licenses: Licenses = createLicenses({
    ...sharedDependencies,
    db: pools.licenses.db,
    identity: identities.licenses,
    ...createPorts('licenses'),
    ...createEvidencePorts(seals, isHttp, () => baseUrls.seals ?? '', buildCaller('licenses')),
    publicUrl: config.publicUrl,
    library: config.library && createLibraryClient({ ...config.library, parsers: config.parsers, now }),
    onStep: config.onStep,
    holderChecks: config.intakeLimits?.holderChecks,
    send: { cases: createSender('licenses', () => cases) },
  });
  const cases: Cases = createCases({
    movePollMs,
    ...sharedDependencies,
    issuer: config.identities?.resolvePerson ? undefined : config.identities?.issuers[0]?.issuer,
    db: pools.cases.db,
    ...{ identity: identities.cases, derivationKey },
    publicUrl: config.publicUrl,
    ...createPorts('cases'),
    signatureAnchors: config.signatureAnchors,
    ...{ scan: config.scan, uploadLimits: config.uploadLimits, intakeLimits: config.intakeLimits },
    webhookHosts: config.webhookHosts,
    platformHosts: config.platformHosts,
    send: { licenses: createSender('cases', () => licenses) },
  });
  const matters = createMatters({
    ...sharedDependencies,
    db: pools.matters.db,
    send: { cases: createSender('matters', () => cases), licenses: createSender('matters', () => licenses) },
  });
  return { matters, cases, licenses, seals };
}

/** The ports of seals that cases and licenses use for documents and for the persons who authorise their seals. */
function createSealPorts(seals: Seals, isHttp: boolean, url: () => string, caller: ServiceCaller) {
  const { sign, picture, personSigning } = seals;
  if (!isHttp) return { sign, picture, personSigning };
  const connection = () => [url(), caller] as const;
  return {
    sign: ((request) => signOverHttp(...connection())(request)) satisfies Sign,
    picture: ((request) => readPictureOverHttp(...connection())(request)) satisfies ReadPicture,
    personSigning: ((request) => readPersonSigningOverHttp(...connection())(request)) satisfies ReadPersonSigning,
  };
}

/** The ports of seals that licenses use for codes, statements, timestamps and evidence. */
function createEvidencePorts(seals: Seals, isHttp: boolean, url: () => string, caller: ServiceCaller) {
  const { signCode, attest, attestActs, stamp, material, record } = seals;
  if (!isHttp) return { signCode, attest, attestActs, stamp, material, record };
  const connection = () => [url(), caller] as const;
  return {
    signCode: ((request) => signCodeOverHttp(...connection())(request)) satisfies SignCode,
    attest: ((request) => attestOverHttp(...connection())(request)) satisfies Attest,
    attestActs: ((request) => attestActsOverHttp(...connection())(request)) satisfies AttestActs,
    stamp: ((digest) => stampOverHttp(...connection())(digest)) satisfies Stamp,
    material: ((request) => readMaterialOverHttp(...connection())(request)) satisfies ReadEvidenceMaterial,
    record: ((receipt) => recordReceiptOverHttp(...connection())(receipt)) satisfies RecordReceipt,
  };
}

function toSource(subgraph: Subgraph, baseUrls: Readonly<Record<string, string>>): SubgraphSource {
  const url = baseUrls[subgraph.name];
  return url === undefined ? { schema: subgraph.schema } : { url: `${url}/graphql` };
}

/** Serves each subgraph on a free port of 127.0.0.1, and writes the base URLs to the last argument. */
async function serveSubgraphs(
  { matters, cases, licenses, seals }: Subgraphs,
  buildHubOptions: (receiver: SubgraphName) => ServeOptions,
  baseUrls: Record<string, string>,
): Promise<FastifyInstance[]> {
  // Behind the gateway nobody signs in: only the gateway's own tokens count.
  const buildOptions = (receiver: SubgraphName) => ({ ...buildHubOptions(receiver), signIn: undefined });
  const apps = new Map([
    ['matters', await serveSubgraph(matters, buildOptions('matters'))],
    ['cases', await serveSubgraph(cases, buildOptions('cases'), (app, { now }) => addRegisterRoutes(app, cases, now))],
    ['licenses', await serveSubgraph(licenses, buildOptions('licenses'))],
    ['seals', await serveSubgraph(seals, buildOptions('seals'), (app, options) => addPortRoutes(app, seals, options))],
  ]);
  for (const [name, app] of apps) baseUrls[name] = await app.listen({ host: '127.0.0.1', port: 0 });
  return [...apps.values()];
}

function createChecks(
  pools: Pools,
  baseUrls: Readonly<Record<string, string>>,
  proof: GatewayProof,
): Record<string, () => Promise<void>> {
  return Object.fromEntries(
    Object.entries(pools).map(([name, pool]) => [
      name,
      async () => {
        await pool.db.execute('select 1');
        if (baseUrls[name] !== undefined) await requireLive(baseUrls[name], name as SubgraphName, proof);
      },
    ]),
  );
}
