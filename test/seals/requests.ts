import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { computeContentDigest, type GrantContent, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { type Act, LICENSE_ACTS, type SealedAct } from '../../subgraphs/kernel/license-acts.ts';
import { createTypesetter } from '../../subgraphs/kernel/pdf/document.ts';
import {
  type AuthorisingSubgraph,
  type SealAuthorisation,
  writeAuthorisation,
} from '../../subgraphs/kernel/sealing/authorisation.ts';
import type { Decider } from '../../subgraphs/kernel/sealing/person-signature.ts';
import type { ServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import type { CodeRequest, SealUseRequest, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import type { ActStatement, AttachedRecord, SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import { buildCodePayload } from '../../subgraphs/licenses/document/code.ts';
import { renderLicense, renderSealable } from '../../subgraphs/licenses/document/render.ts';

/** Builds requests to seals: documents, the content that a person authorised, and the authorisation. */

export const COUNTY = 'yudu-lyj';
export const CITY = 'ganzhou-xzspj';
export const COUNTY_MATTER = 'yd2022-1-07';
export const CITY_MATTER = 'yd2022-2-30';
/** The person who authorises every seal use in these tests. */
export const AUTHORISER = '钟文斌';

const TYPE = '11000000000090018B004';
const ISSUER = '11000000000000123W';
const NUMBER = '3607312026000001';
const ORGANS: Record<string, string> = { [COUNTY]: '于都县林业局', [CITY]: '赣州市行政审批局' };
const IDENTIFIER = writeLicenseIdentifier({ type: TYPE, issuer: ISSUER, serial: NUMBER, version: 1 });

/** A license of the county forestry bureau. */
export const RECORD: SealedRecord = {
  ZZMC: '林木采伐许可证',
  ZZLXDM: TYPE,
  ZZBH: NUMBER,
  ZZBS: IDENTIFIER,
  ZZBFJG: '于都县林业局',
  ZZBFJGDM: ISSUER,
  ZZBFRQ: '2026-06-01',
  CZZT: '于都县贡江示范林场',
  CZZTDM: '91000000MA0000001R',
  CZZTDMLX: '001',
  ZZYXQQSRQ: '2026-06-01',
  ZZYXQJZRQ: '2027-05-31',
  ZZQZR: AUTHORISER,
  ZZQZSJ: '2026-06-01T04:00:00.000Z',
  ZZQZMC: '于都县林业局证照专用章',
  KZ_BB: 1,
  KZ_CZ: 'ISSUE',
  KZ_SX: COUNTY_MATTER,
  KZ_BJBH: '3607312026060100001',
  KZ_XZQH: '360731',
  KZ_BLXZQH: '360731',
  KZ_NR: [
    { label: '采伐地点', text: '于都县示范林场一号林班' },
    { label: '采伐方式', text: '择伐' },
  ],
  KZ_XGBS: null,
  KZ_HYDZ: `http://127.0.0.1:4000/v/${IDENTIFIER}`,
  KZ_SJS: 'x'.repeat(21).concat('A'),
};

/** The payload of its QR code. */
export const PAYLOAD: CodeRequest['payload'] = buildCodePayload(RECORD);

/** Returns the content that the decider approved. An act on an existing license names its number. */
export function contentOf(record: SealedRecord): GrantContent {
  return {
    matterId: record.KZ_SX,
    action: record.KZ_CZ as GrantContent['action'],
    licenseNumber: record.KZ_CZ === 'ISSUE' ? null : record.ZZBH,
    licenseName: record.ZZMC,
    licenseType: record.ZZLXDM,
    holder: {
      name: record.CZZT,
      codeKind: record.CZZTDMLX === '001' ? 'USCC' : 'CITIZEN_NUMBER',
      code: record.CZZTDM,
    },
    fields: [...record.KZ_NR],
    validFrom: record.ZZYXQQSRQ,
    validUntil: record.ZZYXQJZRQ === '长期' ? null : record.ZZYXQJZRQ,
    ...(record.KZ_SJS !== undefined && { salt: 'y'.repeat(21).concat('Q') }),
  };
}

const renderedDocuments = new Map<string, Uint8Array>();

/** Renders the document of a record: for PADES with reserved space for the signature. Each record is rendered once. */
export function documentOf(record: AttachedRecord, profile: SignRequest['profile'] = 'PADES'): Uint8Array {
  const name = `${profile} ${toCanonicalJson(record)}`;
  const document =
    renderedDocuments.get(name) ?? (profile === 'PADES' ? renderSealable(record) : renderLicense(record));
  renderedDocuments.set(name, document);
  return document;
}

const setPage = createTypesetter(fileURLToPath(new URL('../../subgraphs/licenses/document', import.meta.url)));

/** Renders the page of `RECORD` with another text attached as its record. The hub never renders such a document. */
export function attachedTo(text: string): Uint8Array {
  const files = { 'record.json': toCanonicalJson(RECORD), 'metadata.json': text, 'qr.svg': EMPTY_CODE };
  return setPage({ template: 'templates/general.typ', files, name: RECORD.ZZBS, createdAt: RECORD.ZZQZSJ }).pdf;
}
const EMPTY_CODE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1h-1z"/></svg>';

function useOf(record: SealedRecord, organ: string = COUNTY): SealUseRequest {
  return {
    issuanceId: randomUUID(),
    organ,
    matterId: record.KZ_SX,
    caseId: randomUUID(),
    act: record.KZ_CZ as SealUseRequest['act'],
    level: organ === CITY ? 'CITY' : 'COUNTY',
    identifier: record.ZZBS,
    content: contentOf(record),
    authorisation: '',
  };
}

/** Builds a request to seal a license whose whole content the decider approved. Its authorisation is empty. */
export function requestOf(
  record: SealedRecord,
  organ?: string,
  profile: SignRequest['profile'] = 'PADES',
): SignRequest {
  return { ...useOf(record, organ), profile, document: documentOf(record, profile) };
}

/** Organ, matter and identifier of a license. Missing parts are those of the county forestry bureau's license. */
type LicenseParts = Partial<Pick<SignRequest, 'organ' | 'matterId' | 'identifier'>>;

function recordOf({ organ = COUNTY, matterId = COUNTY_MATTER, identifier = RECORD.ZZBS }: LicenseParts): SealedRecord {
  return { ...RECORD, ZZBFJG: ORGANS[organ] ?? '示范机关', KZ_SX: matterId, ZZBS: identifier };
}

/** Builds a request to seal an issue. Its authorisation is empty. */
export function newRequest(parts: LicenseParts & Partial<Pick<SignRequest, 'profile'>> = {}): SignRequest {
  return requestOf(recordOf(parts), parts.organ, parts.profile);
}

/** Builds a request to sign the QR code of the same issue. Its authorisation is empty. */
export function newCodeRequest(parts: LicenseParts = {}): CodeRequest {
  const record = recordOf(parts);
  return { ...useOf(record, parts.organ), record: { ...record }, payload: buildCodePayload(record) };
}

/** A statement that the license is suspended. */
export const STATEMENT: ActStatement = {
  CZ: 'SUSPEND',
  ZZBH: RECORD.ZZBH,
  ZZBS: RECORD.ZZBS,
  KZ_BB: 1,
  ZZBFJG: RECORD.ZZBFJG,
  ZZBFJGDM: RECORD.ZZBFJGDM,
  ZZZT: 'SUSPENDED',
  SM: '采伐现场与许可内容不符，暂停采伐。',
  KZ_BJBH: null,
  ZZQZR: AUTHORISER,
  ZZQZSJ: '2026-06-01T04:00:00.000Z',
  ZZQZMC: RECORD.ZZQZMC,
  KZ_KBZZ: null,
  KZ_SJS: 'z'.repeat(21).concat('g'),
};

/** What a statement of an act must say of it. A notice is no act on a license: then any license act's. */
const rowOf = (act: SealedAct | Act) => LICENSE_ACTS[act === 'DECISION' || act === 'NOTICE' ? 'SUSPEND' : act];

/** Returns the statement of an act that an organ does on its own authority. */
export function ownStatementOf(act: SealedAct | Act): ActStatement {
  return { ...STATEMENT, CZ: act, ZZZT: rowOf(act).to };
}

/** Returns the statement of an act that a case ended in. Its words are fixed. */
export function caseStatementOf(act: SealedAct | Act): ActStatement {
  return { ...ownStatementOf(act), SM: `依申请${rowOf(act).label}`, KZ_BJBH: RECORD.KZ_BJBH };
}

/** Returns a statement in the bytes that are sealed. */
export const textOf = (statement: object): Uint8Array => Buffer.from(toCanonicalJson(statement));

/** Builds a request to seal an act on the organ's own authority, without a case. Its authorisation is empty. */
export function statementRequest(statement: ActStatement = STATEMENT): SignRequest {
  return {
    ...useOf(RECORD),
    caseId: null,
    act: statement.CZ as SignRequest['act'],
    content: { ...statement },
    profile: 'CADES',
    document: textOf(statement),
  };
}

/** Returns in whose place an organ's own person decides. */
export function deciderOf(organ: string): Decider {
  return { organ, decides: organ, exception: null };
}

/** Writes the authorisation of the organ's approver, for exactly this request except for the changes. */
export function authorise(
  { identities }: ServiceKeys,
  request: SealUseRequest,
  authorisedAt: Date,
  changes: Partial<SealAuthorisation> = {},
  subgraph: AuthorisingSubgraph = request.caseId === null ? 'licenses' : 'cases',
): Promise<string> {
  return writeAuthorisation(identities[subgraph], {
    actor: `${request.organ}.approver`,
    actorName: AUTHORISER,
    organ: request.organ,
    matter: request.matterId,
    caseId: request.caseId,
    act: request.act,
    contentDigest: computeContentDigest(request.content),
    authorisedAt: authorisedAt.toISOString(),
    decider: deciderOf(request.organ),
    ...changes,
  });
}
