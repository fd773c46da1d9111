import { X509Certificate } from 'node:crypto';
import { decodeJwt } from 'jose';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { isSealedPdf } from '../../subgraphs/kernel/pdf/pdf.ts';
import { readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { authorisesContent } from '../../subgraphs/kernel/sealing/person-signature.ts';
import {
  CADES,
  PADES,
  parseSignedData,
  requireSignature,
  requireSigner,
} from '../../subgraphs/licenses/verify/format/cms.ts';
import {
  buildCertificateLeaf,
  buildCodeLeaf,
  buildErasureLeaf,
  buildEventLeaf,
  buildListLeaf,
  buildUseLeaf,
  type Leaf,
} from '../../subgraphs/seals/log/leaf.ts';
import { type AuditedLog, type AuditInput, buildFinding, type Finding, leafKey, streamRows } from './finding.ts';
import { auditStatements, expectStatements, isOfRegister } from './register.ts';

/** Compares every use of a key with the log in both directions: each use has a leaf, each leaf a use, both agree. */
export async function* auditUses(input: AuditInput, log: AuditedLog): AsyncGenerator<Finding> {
  const leafKeys = new Set<string>();
  yield* auditPending(input, log);
  const sources = [
    expectUses,
    expectCodes,
    expectStatements,
    expectEvents,
    expectLists,
    expectCertificates,
    expectErasures,
  ];
  for (const source of sources) {
    for await (const { leaf, object, faults = [] } of source(input)) {
      for (const code of faults) yield buildFinding(code, object, '签名不是这枚印章对这一文件所签');
      const key = leafKey(leaf.kind, leaf.subject);
      leafKeys.add(key);
      yield* compareWithLeaf(log, leaf, object);
    }
  }
  for (const [key, { index, entry }] of log.leaves) {
    const [kind = ''] = key.split(' ', 1);
    const object = OBJECT_BY_KIND[kind] ?? (isOfRegister(kind, entry) ? 'statement' : undefined);
    if (object === undefined || leafKeys.has(key)) continue;
    const subject = key.slice(kind.length + 1);
    yield buildFinding('LEAF_WITHOUT_ROW', `leaf:${index}`, `日志中有 ${key}，台账中没有`);
    yield buildFinding('LEAF_WITHOUT_ROW', `${object}:${subject}`, `日志第 ${index} 条有记载，台账中没有`);
  }
  yield* auditAuthorisations(input);
  yield* auditStatements(input);
}

const OBJECT_BY_KIND: Record<string, string> = {
  SEAL_USE: 'use',
  CODE_USE: 'code',
  SEAL_EVENT: 'event',
  REVOCATION_LIST: 'list',
  CERTIFICATE: 'certificate',
  ERASURE: 'erasure',
};

interface Expected {
  leaf: Leaf;
  object: string;
  faults?: string[];
}

function* compareWithLeaf(log: AuditedLog, leaf: Leaf, object: string): Generator<Finding> {
  const auditedLeaf = log.leaves.get(leafKey(leaf.kind, leaf.subject));
  if (!auditedLeaf) yield buildFinding('USE_WITHOUT_LEAF', object, '没有记入透明日志');
  else if (auditedLeaf.entry !== leaf.entry) {
    yield buildFinding('ROW_DIFFERS_FROM_LEAF', object, `与日志第 ${auditedLeaf.index} 条不一致`);
    yield buildFinding('ROW_DIFFERS_FROM_LEAF', `leaf:${auditedLeaf.index}`, `与台账 ${object} 不一致`);
  }
}

/** A pending leaf becomes a finding after this time. */
const PENDING_GRACE_MS = 60_000;

async function* auditPending({ sql, now }: AuditInput, log: AuditedLog): AsyncGenerator<Finding> {
  const rows = await sql<{ kind: string; subject: string; entry: string; at: Date }[]>`
    select l.kind, l.subject, l.entry, l.at from seals.log_pending p join seals.log_leaf l on l.serial = p.serial`;
  for (const { kind, subject, entry, at } of rows) {
    log.leaves.set(leafKey(kind, subject), { index: -1, entry });
    if (now.getTime() - at.getTime() > PENDING_GRACE_MS)
      yield buildFinding('LEAF_WAITS', `${OBJECT_BY_KIND[kind] ?? 'leaf'}:${subject}`, '早该排入日志');
  }
}

/** Returns whether the signature covers the digest and was made with a certificate of the named seal. */
function isSealed({ sealId, documentDigest, signature, suite }: UseRow, seals: ReadonlyMap<string, string>): boolean {
  try {
    const signed = parseSignedData(signature, suite.startsWith('PAdES') ? PADES : CADES);
    const signer = requireSigner(signed);
    requireSignature(signed, signer);
    return signed.messageDigest.toString('hex') === documentDigest && seals.get(signer.digest) === sealId;
  } catch {
    return false;
  }
}

type UseRow = Parameters<typeof buildUseLeaf>[0] & { authorisedBy: string };

async function* expectUses({ sql }: AuditInput): AsyncGenerator<Expected> {
  const sealCertificates = await sql<
    { sealId: string; pem: string }[]
  >`select seal_id as "sealId", certificate_pem as pem from seals.seal_certificate`;
  const seals = new Map(sealCertificates.map(({ sealId, pem }) => [sha256(new X509Certificate(pem).raw), sealId]));
  const rows = sql<
    UseRow[]
  >`select issuance_id as "issuanceId", seal_id as "sealId", organ, matter_id as "matterId", case_id as "caseId", act,
    identifier, blank_number as "blankNumber", duplicate_blanks as "duplicateBlanks", content_digest as "contentDigest", authorised_by_id as "authorisedById", authorisation, is_salted as "isSalted", at, suite,
    document_digest as "documentDigest", signature from seals.seal_use order by serial`;
  for await (const row of streamRows(rows))
    yield {
      leaf: buildUseLeaf(row),
      object: `use:${row.issuanceId}`,
      faults: isSealed(row, seals) ? [] : ['SIGNATURE_NOT_PASSED'],
    };
}

async function* expectCodes({ sql }: AuditInput): AsyncGenerator<Expected> {
  const rows = sql<
    Parameters<typeof buildCodeLeaf>[0][]
  >`select issuance_id as "issuanceId", seal_id as "sealId", organ, matter_id as "matterId",
    case_id as "caseId", act, identifier, blank_number as "blankNumber", duplicate_blanks as "duplicateBlanks", content_digest as "contentDigest", authorised_by_id as "authorisedById", authorisation, is_salted as "isSalted", at, code
    from seals.seal_code order by serial`;
  for await (const row of streamRows(rows)) yield { leaf: buildCodeLeaf(row), object: `code:${row.issuanceId}` };
}

async function* expectEvents({ sql }: AuditInput): AsyncGenerator<Expected> {
  const rows = sql<
    Parameters<typeof buildEventLeaf>[0][]
  >`select serial::int as serial, seal_id as "sealId", event, matter_id as "matterId",
    actor_id as "actorId", applied_by_id as "appliedById", application_id as "applicationId", reason, reason_salt as "reasonSalt", at from seals.seal_event order by serial`;
  for await (const row of streamRows(rows)) yield { leaf: buildEventLeaf(row), object: `event:${row.serial}` };
}

async function* expectLists({ sql }: AuditInput): AsyncGenerator<Expected> {
  const rows = sql<
    Parameters<typeof buildListLeaf>[0][]
  >`select authority, number, bytes, this_update as "thisUpdate" from seals.revocation_list
    order by authority, number`;
  for await (const row of streamRows(rows))
    yield { leaf: buildListLeaf(row), object: `list:${row.authority} ${row.number}` };
}

async function* expectCertificates({ sql }: AuditInput): AsyncGenerator<Expected> {
  const rows = sql<{ profile: string; pem: string }[]>`select id as profile, certificate_pem as pem from seals.authority
    union all select 'seal', certificate_pem from seals.seal_certificate union all select 'code', certificate_pem from seals.seal_code_key`;
  for await (const { profile, pem } of streamRows(rows)) {
    const leaf = buildCertificateLeaf(profile, pem);
    yield { leaf, object: `certificate:${leaf.subject}` };
  }
}

async function* expectErasures({ sql }: AuditInput): AsyncGenerator<Expected> {
  const rows = sql<Parameters<typeof buildErasureLeaf>[0][]>`
    select issuance_id as "issuanceId", identifier, basis, at from seals.erasure`;
  for await (const row of streamRows(rows)) yield { leaf: buildErasureLeaf(row), object: `erasure:${row.issuanceId}` };
}

interface AuthorisedUse {
  object: string;
  issuanceId: string;
  authorisation: string;
  authorisedById: string;
  authorisedBy: string;
  organ: string;
  matterId: string;
  caseId: string | null;
  act: string;
  contentDigest: string;
}

/** Checks that each use matches the statement by which the person authorised it. */
async function* auditAuthorisations({ sql }: AuditInput): AsyncGenerator<Finding> {
  const columns = sql`issuance_id as "issuanceId", authorisation, authorised_by_id as "authorisedById", authorised_by as "authorisedBy", organ,
    matter_id as "matterId", case_id as "caseId", act, content_digest as "contentDigest"`;
  const rows = sql<AuthorisedUse[]>`select 'use:' || issuance_id as object, ${columns} from seals.seal_use
    union all select 'code:' || issuance_id, ${columns} from seals.seal_code`;
  for await (const row of streamRows(rows)) {
    const signedClaims = decodeStatement(row.authorisation);
    const isAsAuthorised =
      signedClaims !== null &&
      signedClaims.actor === row.authorisedById &&
      signedClaims.actorName === row.authorisedBy &&
      signedClaims.organ === row.organ &&
      signedClaims.matter === row.matterId &&
      signedClaims.caseId === row.caseId &&
      authorisesContent(signedClaims, row.act, row.contentDigest);
    if (!isAsAuthorised) yield buildFinding('USE_NOT_AS_AUTHORISED', row.object, '与用印授权书的内容不一致');
  }
  const sealCodes = sql<
    { issuanceId: string; payload: string; code: string }[]
  >`select issuance_id as "issuanceId", payload, code from seals.seal_code`;
  for await (const { issuanceId, payload, code } of streamRows(sealCodes)) {
    const signedClaims = Buffer.from(code.split('.')[1] ?? '', 'base64url').toString('utf8');
    if (signedClaims !== payload)
      yield buildFinding('CODE_NOT_AS_SIGNED', `code:${issuanceId}`, '登记的内容与二维码所签的不一致');
  }
  const usesOfOtherStatements = sql<{ issuanceId: string }[]>`
    select u.issuance_id as "issuanceId" from seals.seal_use u
    join licenses.act a on a.id = u.issuance_id where a.authorisation <> u.authorisation`;
  for await (const { issuanceId } of streamRows(usesOfOtherStatements))
    yield buildFinding('USE_NOT_AS_AUTHORISED', `use:${issuanceId}`, '用印授权书不是办理时的那一份');
}

/** Returns the claims of a statement without verifying its signature, or null if it cannot be decoded. */
export function decodeStatement(jws: string): Record<string, unknown> | null {
  try {
    return decodeJwt(jws);
  } catch {
    return null;
  }
}

/**
 * Returns the sealed content of a file and its signature, which is inside the PDF or detached.
 * Returns null if the file has no signature or cannot be read.
 */
export function readSealed(
  file: Uint8Array,
  detachedSignature: Uint8Array | null,
): { digest: string; signature: Uint8Array; content: Uint8Array } | null {
  try {
    if (!isSealedPdf(file))
      return detachedSignature ? { digest: sha256(file), signature: detachedSignature, content: file } : null;
    const { digest, cms, unsigned } = readSealedPdf(file);
    return { digest: digest.toString('hex'), signature: cms, content: unsigned };
  } catch {
    return null;
  }
}
