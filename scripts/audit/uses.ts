import { X509Certificate } from 'node:crypto';
import { decodeJwt } from 'jose';
import { sha256 } from '../../subgraphs/kernel/events.ts';
import { isSealedPdf } from '../../subgraphs/kernel/pdf.ts';
import { readSealedPdf } from '../../subgraphs/kernel/sealed-pdf.ts';
import { CADES, PADES, parseSignedData, requireSignature, signerOf } from '../../subgraphs/licenses/verify/cms.ts';
import { certificateOf, type Leaf, ofCode, ofList, ofSealEvent, ofUse } from '../../subgraphs/seals/log/leaf.ts';
import { type AuditedLog, type Finding, found, type House, leafName, rowsOf } from './finding.ts';

/** Compares every use of a key with the log in both directions: each use has a leaf, each leaf a use, both agree. */
export async function* auditUses(house: House, log: AuditedLog): AsyncGenerator<Finding> {
  const known = new Set<string>();
  yield* waiting(house, log);
  for (const source of [uses, codes, events, lists, certificates]) {
    for await (const { leaf, object, faults = [] } of source(house)) {
      for (const code of faults) yield found(code, object, '签名不是这枚印章对这一文件所签');
      const name = leafName(leaf.kind, leaf.subject);
      known.add(name);
      yield* compare(log, leaf, object);
    }
  }
  for (const [name, { index }] of log.leaves) {
    const [kind = ''] = name.split(' ', 1);
    const object = OBJECT_OF[kind];
    if (object === undefined || known.has(name)) continue;
    const subject = name.slice(kind.length + 1);
    yield found('LEAF_WITHOUT_ROW', `leaf:${index}`, `日志中有 ${name}，台账中没有`);
    yield found('LEAF_WITHOUT_ROW', `${object}:${subject}`, `日志第 ${index} 条有记载，台账中没有`);
  }
  yield* authorisations(house);
}

const OBJECT_OF: Record<string, string> = {
  SEAL_USE: 'use',
  CODE_USE: 'code',
  SEAL_EVENT: 'event',
  REVOCATION_LIST: 'list',
  CERTIFICATE: 'certificate',
};

interface Expected {
  leaf: Leaf;
  object: string;
  faults?: string[];
}

function* compare(log: AuditedLog, leaf: Leaf, object: string): Generator<Finding> {
  const seen = log.leaves.get(leafName(leaf.kind, leaf.subject));
  if (!seen) yield found('USE_WITHOUT_LEAF', object, '没有记入透明日志');
  else if (seen.entry !== leaf.entry) {
    yield found('ROW_DIFFERS_FROM_LEAF', object, `与日志第 ${seen.index} 条不一致`);
    yield found('ROW_DIFFERS_FROM_LEAF', `leaf:${seen.index}`, `与台账 ${object} 不一致`);
  }
}

/** A pending leaf becomes a finding after this time. */
const PENDING_MS = 60_000;

async function* waiting({ sql, now }: House, log: AuditedLog): AsyncGenerator<Finding> {
  const rows = await sql<{ kind: string; subject: string; entry: string; at: Date }[]>`
    select l.kind, l.subject, l.entry, l.at from seals.log_pending p join seals.log_leaf l on l.serial = p.serial`;
  for (const { kind, subject, entry, at } of rows) {
    log.leaves.set(leafName(kind, subject), { index: -1, entry });
    if (now.getTime() - at.getTime() > PENDING_MS)
      yield found('LEAF_WAITS', `${OBJECT_OF[kind] ?? 'leaf'}:${subject}`, '早该排入日志');
  }
}

/** Returns whether the signature covers the digest and was made with a certificate of the named seal. */
function isSealed({ sealId, documentDigest, signature, suite }: UseRow, seals: ReadonlyMap<string, string>): boolean {
  try {
    const signed = parseSignedData(signature, suite.startsWith('PAdES') ? PADES : CADES);
    const signer = signerOf(signed);
    requireSignature(signed, signer);
    return signed.messageDigest.toString('hex') === documentDigest && seals.get(signer.digest) === sealId;
  } catch {
    return false;
  }
}

type UseRow = Parameters<typeof ofUse>[0] & { authorisedBy: string };

async function* uses({ sql }: House): AsyncGenerator<Expected> {
  const published = await sql<
    { sealId: string; pem: string }[]
  >`select seal_id as "sealId", certificate_pem as pem from seals.seal_certificate`;
  const seals = new Map(published.map(({ sealId, pem }) => [sha256(new X509Certificate(pem).raw), sealId]));
  const rows = sql<
    UseRow[]
  >`select issuance_id as "issuanceId", seal_id as "sealId", organ, matter_id as "matterId", case_id as "caseId", act,
    identifier, blank_number as "blankNumber", content_digest as "contentDigest", authorised_by_id as "authorisedById", authorisation, at, suite,
    document_digest as "documentDigest", signature from seals.seal_use order by serial`;
  for await (const row of rowsOf(rows))
    yield {
      leaf: ofUse(row),
      object: `use:${row.issuanceId}`,
      faults: isSealed(row, seals) ? [] : ['SIGNATURE_NOT_PASSED'],
    };
}

async function* codes({ sql }: House): AsyncGenerator<Expected> {
  const rows = sql<
    Parameters<typeof ofCode>[0][]
  >`select issuance_id as "issuanceId", seal_id as "sealId", organ, matter_id as "matterId",
    case_id as "caseId", act, identifier, blank_number as "blankNumber", content_digest as "contentDigest", authorised_by_id as "authorisedById", authorisation, at, code
    from seals.seal_code order by serial`;
  for await (const row of rowsOf(rows)) yield { leaf: ofCode(row), object: `code:${row.issuanceId}` };
}

async function* events({ sql }: House): AsyncGenerator<Expected> {
  const rows = sql<
    Parameters<typeof ofSealEvent>[0][]
  >`select serial::int as serial, seal_id as "sealId", event, matter_id as "matterId",
    actor_id as "actorId", applied_by_id as "appliedById", application_id as "applicationId", reason, at from seals.seal_event order by serial`;
  for await (const row of rowsOf(rows)) yield { leaf: ofSealEvent(row), object: `event:${row.serial}` };
}

async function* lists({ sql }: House): AsyncGenerator<Expected> {
  const rows = sql<
    Parameters<typeof ofList>[0][]
  >`select authority, number, bytes, this_update as "thisUpdate" from seals.revocation_list
    order by authority, number`;
  for await (const row of rowsOf(rows)) yield { leaf: ofList(row), object: `list:${row.authority} ${row.number}` };
}

async function* certificates({ sql }: House): AsyncGenerator<Expected> {
  const rows = sql<{ profile: string; pem: string }[]>`select id as profile, certificate_pem as pem from seals.authority
    union all select 'seal', certificate_pem from seals.seal_certificate union all select 'code', certificate_pem from seals.seal_code_key`;
  for await (const { profile, pem } of rowsOf(rows)) {
    const leaf = certificateOf(profile, pem);
    yield { leaf, object: `certificate:${leaf.subject}` };
  }
}

interface Authorised {
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
async function* authorisations({ sql }: House): AsyncGenerator<Finding> {
  const columns = sql`issuance_id as "issuanceId", authorisation, authorised_by_id as "authorisedById", authorised_by as "authorisedBy", organ,
    matter_id as "matterId", case_id as "caseId", act, content_digest as "contentDigest"`;
  const rows = sql<Authorised[]>`select 'use:' || issuance_id as object, ${columns} from seals.seal_use
    union all select 'code:' || issuance_id, ${columns} from seals.seal_code`;
  for await (const row of rowsOf(rows)) {
    const said = statementIn(row.authorisation);
    const same =
      said !== null &&
      said.actor === row.authorisedById &&
      said.actorName === row.authorisedBy &&
      said.organ === row.organ &&
      said.matter === row.matterId &&
      said.caseId === row.caseId &&
      said.act === row.act &&
      said.contentDigest === row.contentDigest;
    if (!same) yield found('USE_NOT_AS_AUTHORISED', row.object, '与用印授权书的内容不一致');
  }
  const codes = sql<
    { issuanceId: string; payload: string; code: string }[]
  >`select issuance_id as "issuanceId", payload, code from seals.seal_code`;
  for await (const { issuanceId, payload, code } of rowsOf(codes)) {
    const said = Buffer.from(code.split('.')[1] ?? '', 'base64url').toString('utf8');
    if (said !== payload) yield found('CODE_NOT_AS_SIGNED', `code:${issuanceId}`, '登记的内容与二维码所签的不一致');
  }
  const people = sql<{ issuanceId: string }[]>`
    select u.issuance_id as "issuanceId" from seals.seal_use u
    join licenses.act a on a.id = u.issuance_id where a.authorisation <> u.authorisation`;
  for await (const { issuanceId } of rowsOf(people))
    yield found('USE_NOT_AS_AUTHORISED', `use:${issuanceId}`, '用印授权书不是办理时的那一份');
}

/** Returns the claims of a statement without verifying its signature, or null if it cannot be decoded. */
export function statementIn(jws: string): Record<string, unknown> | null {
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
export function sealedIn(
  file: Uint8Array,
  beside: Uint8Array | null,
): { digest: string; signature: Uint8Array; content: Uint8Array } | null {
  try {
    if (!isSealedPdf(file)) return beside ? { digest: sha256(file), signature: beside, content: file } : null;
    const { digest, cms, unsigned } = readSealedPdf(file);
    return { digest: digest.toString('hex'), signature: cms, content: unsigned };
  } catch {
    return null;
  }
}
