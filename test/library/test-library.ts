import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import type { FastifyInstance } from 'fastify';
import { createLibrary, type Protocol } from '../../scripts/city-library/app.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import type { ActStatement, SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import type { LibraryDelivery } from '../../subgraphs/licenses/library/library-client.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { createScratchDatabase } from '../support/database.ts';
import { type IssuedCertificate, issueCertificate, pem, type SealOptions, seal } from './authority.ts';

export const ORGAN = '于都县水利局';
const ORGAN_CODE = '11430000006122244L';
const LICENSE_TYPE = `${ORGAN_CODE}001`;
export const CLIENT = { clientId: 'tongquan', clientSecret: 'a-secret-of-the-city-library' };
/** The library's name in receipts and as a witness. */
export const LIBRARY_NAME = 'library.example/city';
const START_TIME = '2024-03-05T02:00:00Z';

/** One test PKI per test file, because generating keys is slow. */
export interface Authority {
  root: IssuedCertificate;
  issuing: IssuedCertificate;
  signer: IssuedCertificate;
}

export function makeAuthority(): Authority {
  const root = issueCertificate({ organization: '测试', common: '测试根', issuer: null, isCa: true });
  const issuing = issueCertificate({
    organization: '测试',
    common: '测试签发',
    issuer: root,
    isCa: true,
    pathLength: 0,
  });
  return { root, issuing, signer: issueCertificate({ organization: ORGAN, common: '测试章', issuer: issuing }) };
}

const workspace = mkdtempSync(join(tmpdir(), 'tongquan-library-'));
const compiler = NodeCompiler.create({ workspace });

/** Makes a PDF like the hub's, with the given text as its metadata.json. */
export function makePdf(metadata: string, text = 'license'): Uint8Array {
  const path = join(workspace, 'main.typ');
  const source = `#pdf.attach("metadata.json", bytes(${JSON.stringify(metadata)}), relationship: "data", mime-type: "application/json", description: "data")\n${text}`;
  compiler.addSource(path, source);
  const options = { pdfStandard: 'a-3b', creationTimestamp: 1_700_000_000 } as never;
  return new Uint8Array(compiler.pdf({ mainFilePath: path }, options));
}

export function identifierOf(serial: string, version: number): string {
  return writeLicenseIdentifier({ type: LICENSE_TYPE, issuer: ORGAN_CODE, serial, version });
}

/** A delivery with a detached signature. */
export type DetachedDelivery = LibraryDelivery & { signature: Uint8Array };

/** A license whose acts a test delivers one after another. */
export interface TestLicense {
  /** An act that makes a new version. */
  version(act: LibraryDelivery['act'], revision: number, version: number, options?: VersionOptions): DetachedDelivery;
  /** An act that makes a sealed statement about a version. */
  statement(
    act: LibraryDelivery['act'],
    state: LibraryDelivery['state'],
    revision: number,
    version: number,
  ): DetachedDelivery;
}

export interface VersionOptions {
  record?: Partial<SealedRecord>;
  sealed?: Partial<SealOptions>;
  /** The text on the page. */
  text?: string;
}

export function makeLicense(authority: Authority, serial: string): TestLicense {
  const sealOptions = {
    signer: authority.signer,
    issuer: authority.issuing,
    signingTime: new Date('2024-03-05T01:59:00Z'),
  };
  const commonFields = { stream: `license:${serial}`, number: serial, changedAt: '2024-03-05T01:59:30.000Z' };
  return {
    version(act, revision, version, options = {}) {
      const record: SealedRecord = { ...baseRecord(serial, act, version), ...options.record };
      const document = makePdf(JSON.stringify(record), options.text);
      return {
        ...commonFields,
        revision,
        act,
        identifier: identifierOf(serial, version),
        version,
        state: 'VALID',
        record,
        documentDigest: sha256(document),
        document,
        mediaType: 'application/pdf',
        signature: seal(document, { ...sealOptions, ...options.sealed }),
      };
    },
    statement(act, state, revision, version) {
      const identifier = identifierOf(serial, version);
      const record: ActStatement = {
        CZ: act,
        ZZBH: serial,
        ZZBS: identifier,
        KZ_BB: version,
        ZZBFJG: ORGAN,
        ZZBFJGDM: ORGAN_CODE,
        ZZZT: state,
        SM: '依法办理',
        KZ_BJBH: null,
        ZZQZR: '张伟',
        ZZQZSJ: '2024-03-05T01:58:00.000Z',
        ZZQZMC: '测试章',
        KZ_KBZZ: null,
      };
      const document = new Uint8Array(Buffer.from(JSON.stringify(record)));
      const signature = seal(document, sealOptions);
      const documentDigest = sha256(document);
      const mediaType = 'application/json';
      return {
        ...commonFields,
        revision,
        act,
        identifier,
        version,
        state,
        record,
        documentDigest,
        document,
        mediaType,
        signature,
      };
    },
  };
}

function baseRecord(serial: string, act: string, version: number): SealedRecord {
  const identifier = identifierOf(serial, version);
  return {
    ZZMC: '取水许可证',
    ZZLXDM: LICENSE_TYPE,
    ZZBH: serial,
    ZZBS: identifier,
    ZZBFJG: ORGAN,
    ZZBFJGDM: ORGAN_CODE,
    ZZBFRQ: '2024-03-05',
    CZZT: '于都测试有限公司',
    CZZTDM: '12110000400777687U',
    CZZTDMLX: '001',
    ZZYXQQSRQ: '2024-03-05',
    ZZYXQJZRQ: '2029-03-04',
    ZZQZR: '张伟',
    ZZQZSJ: '2024-03-05T01:58:00.000Z',
    ZZQZMC: '测试章',
    KZ_BB: version,
    KZ_CZ: act,
    KZ_SX: 'yd2022-1-07',
    KZ_BJBH: '360731202400001',
    KZ_XZQH: '360731',
    KZ_BLXZQH: '360731',
    KZ_NR: [{ label: '取水量', text: '每年 100 万立方米' }],
    KZ_XGBS: version === 1 ? null : identifierOf(serial, version - 1),
    KZ_HYDZ: `http://127.0.0.1:4000/v/${identifier}`,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Returns the delivery as the JSON body of a request. */
export function toRequestBody(delivery: LibraryDelivery): Record<string, unknown> {
  const base64 = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('base64');
  const { document, signature } = delivery;
  return { ...delivery, codeList: 'tongquan-1', document: base64(document), signature: base64(signature) };
}

/** An answer of the library. */
export interface LibraryAnswer {
  status: number;
  code?: number;
  temporary?: boolean;
  reasons?: { code: string; message: string }[];
  receipt?: string;
  result?: number;
  certificate?: Record<string, unknown> & { acts: { act: string }[] };
}

/** A library on its own database, called without a network. */
export interface TestLibrary {
  clock: TestClock;
  databaseUrl: string;
  app(): FastifyInstance;
  token(): Promise<string>;
  ask(path: string, body: unknown, token?: string): Promise<LibraryAnswer>;
  get(path: string): Promise<LibraryAnswer>;
  collect(delivery: LibraryDelivery): Promise<LibraryAnswer>;
  /** Closes the library and opens another on the same database. `protocol` is the newest version that it speaks. */
  restart(protocol?: Protocol): Promise<void>;
  close(): Promise<void>;
}

export async function openTestLibrary(
  authority: Authority,
  errors: unknown[] = [],
  logKeys: string[] = [],
): Promise<TestLibrary> {
  const { url, drop } = await createScratchDatabase();
  const clock = testClock(START_TIME);
  const rootPem = pem(authority.root.certificate);
  const onError = (error: unknown) => errors.push(error);
  const openApp = (protocol: Protocol = 2) =>
    createLibrary({ databaseUrl: url, rootPem, name: LIBRARY_NAME, logKeys, protocol, ...CLIENT, now: clock, onError });
  let app = await openApp();
  const grant = { grant_type: 'client_credentials', client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret };
  const library: TestLibrary = {
    clock,
    databaseUrl: url,
    app: () => app,
    async token() {
      const response = await app.inject({ method: 'POST', url: '/token', payload: grant });
      return String(response.json().access_token);
    },
    async ask(path, body, token) {
      const authorization = `Bearer ${token ?? (await library.token())}`;
      const response = await app.inject({
        method: 'POST',
        url: path,
        headers: { authorization },
        payload: body as object,
      });
      return { status: response.statusCode, ...response.json() };
    },
    async get(path) {
      const response = await app.inject({ url: path, headers: { authorization: `Bearer ${await library.token()}` } });
      return { status: response.statusCode, ...response.json() };
    },
    collect: (delivery) => library.ask('/certificates/collect', toRequestBody(delivery)),
    async restart(protocol) {
      await app.close();
      app = await openApp(protocol);
    },
    async close() {
      await app.close();
      await drop();
    },
  };
  return library;
}

/** Returns the code of the first reason. */
export function firstReasonCode(answer: LibraryAnswer): string | undefined {
  return answer.reasons?.[0]?.code;
}
