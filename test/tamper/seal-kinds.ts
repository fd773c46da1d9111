import { X509Certificate } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { sha256 as hex, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { derOf } from '../../subgraphs/seals/signer/cms.ts';
import { compactJws } from '../../subgraphs/seals/signer/jws.ts';
import { ISSUING_NAME, ROOT_NAME } from '../../subgraphs/seals/signer/pki.ts';
import { digestOfPem, findAuthorityKey, flipBit, type Insider, type Row, type Tamper } from './insider.ts';
import { namesOfLeaf, namesOfRewriting, readLeaves, rewriteBoth } from './rewrite.ts';

/** Tamperings with seals, certificates, revocation lists, decisions, attestations and timestamps. */

async function readRevoked(insider: Insider): Promise<{ rows: Row[]; objects: string[] }> {
  const { sql } = insider;
  const rows = await sql`select r.*, s.certificate_pem, k.certificate_pem as code_pem from seals.revocation r
    join seals.seal_certificate s on s.seal_id = r.seal_id left join seals.seal_code_key k on k.seal_id = s.seal_id order by r.serial`;
  const [list] =
    await sql`select number from seals.revocation_list where authority = 'issuing' order by number desc limit 1`;
  const objects = rows.flatMap((row) => [
    `seal:${row.seal_id}`,
    `certificate:${digestOfPem(row.certificate_pem)}`,
    `certificate:${digestOfPem(row.code_pem)}`,
  ]);
  return { rows: [...rows], objects: [...new Set(objects), `list:issuing ${list?.number}`] };
}

/** Signs a revocation list of these revocations with the key of the issuing authority. */
async function signList(insider: Insider, row: Row, rows: readonly Row[]): Promise<Buffer> {
  const { sql } = insider;
  const [authority] = await sql`select * from seals.authority where id = 'issuing'`;
  const key = await findAuthorityKey(insider, 'issuing');
  const bytes = await insider.signerAt(row.this_update).publishList({
    authority: key,
    request: {
      certificate: derOf(key.certificatePem),
      publicKeyPem: authority?.public_key_pem,
      number: row.number,
      thisUpdate: row.this_update,
      nextUpdate: new Date(row.this_update.getTime() + 48 * 3_600_000),
      completeSince: new Date('2025-01-01T00:00:00Z'),
      revoked: rows.map(({ serial, reason, revoked_at, compromised_at }) => ({
        ...{ serial, reason, revokedAt: revoked_at, compromisedAt: compromised_at },
      })),
    },
  });
  return Buffer.from(bytes);
}

const newestList = async ({ sql }: Insider): Promise<Row> => {
  const [row] = await sql`select * from seals.revocation_list where authority = 'issuing' order by number desc limit 1`;
  if (!row) throw new Error('no list');
  return row;
};

const removeRevocation =
  (replacesList: boolean): Tamper =>
  async (insider) => {
    const { sql } = insider;
    const { objects } = await readRevoked(insider);
    await insider.change(sql`delete from seals.revocation`);
    if (replacesList) {
      const row = await newestList(insider);
      const bytes = await signList(insider, row, []);
      const where = sql`authority = 'issuing' and number = ${row.number}`;
      await insider.change(sql`update seals.revocation_list set bytes = ${bytes} where ${where}`);
    }
    return { description: `a revocation is gone${replacesList ? ', and the list says nothing of it' : ''}`, objects };
  };

const replaceNewestList =
  (method: 'bytes' | 'removed'): Tamper =>
  async (insider) => {
    const { sql } = insider;
    const { objects } = await readRevoked(insider);
    const { number } = await newestList(insider);
    const where = sql`authority = 'issuing' and number = ${number}`;
    await insider.change(
      method === 'removed'
        ? sql`delete from seals.revocation_list where ${where}`
        : sql`update seals.revocation_list set bytes = (select bytes from seals.revocation_list
            where authority = 'issuing' and number < ${number} order by number limit 1) where ${where}`,
    );
    return { description: `the newest list is an older one (${method})`, objects };
  };

const insertGrant: Tamper = async (insider, random) => {
  const { sql } = insider;
  const grant = await insider.pickRow(
    random,
    sql`select s.id, g.matter_id from seals.seal s
    cross join (select distinct matter_id from seals.seal_grant) g where s.state = 'IN_USE'
    and not exists (select 1 from seals.seal_grant o where o.seal_id = s.id and o.matter_id = g.matter_id) order by 1, 2`,
  );
  await insider.change(sql`insert into seals.seal_grant (seal_id, matter_id) values (${grant.id}, ${grant.matter_id})`);
  return { description: `a seal may be used for ${grant.matter_id}`, objects: [`seal:${grant.id}`] };
};

const deleteGrant: Tamper = async (insider, random) => {
  const { sql } = insider;
  const grant = await insider.pickRow(random, sql`select * from seals.seal_grant order by seal_id, matter_id`);
  await sql`delete from seals.seal_grant_withdrawal where grant_id = ${grant.id}`;
  await insider.change(sql`delete from seals.seal_grant where id = ${grant.id}`);
  return { description: 'a seal lost a grant', objects: [`seal:${grant.seal_id}`] };
};

const changeState: Tamper = async (insider, random) => {
  const { sql } = insider;
  const seal = await insider.pickRow(random, sql`select id, state from seals.seal order by id`);
  const state = seal.state === 'IN_USE' ? 'SUSPENDED' : 'IN_USE';
  await insider.change(sql`update seals.seal set state = ${state} where id = ${seal.id}`);
  await sql`update licenses.seal_fact set state = ${state} where seal_id = ${seal.id}`;
  return { description: `a seal is ${state} without an event`, objects: [`seal:${seal.id}`] };
};

const reviveSeal: Tamper = async (insider, random) => {
  const { sql } = insider;
  const seal = await insider.pickRow(random, sql`select id from seals.seal where state <> 'IN_USE' order by id`);
  await insider.change(sql`update seals.seal set state = 'IN_USE' where id = ${seal.id}`);
  await sql`update licenses.seal_fact set state = 'IN_USE' where seal_id = ${seal.id}`;
  return { description: 'a stopped seal is in use again', objects: [`seal:${seal.id}`] };
};

const extendValidity: Tamper = async (insider, random) => {
  const { sql } = insider;
  const seal = await insider.pickRow(
    random,
    sql`select s.id, c.certificate_pem from seals.seal s join seals.seal_certificate c on c.seal_id = s.id order by s.id`,
  );
  await insider.change(sql`update seals.seal set valid_until = valid_until + interval '5 years' where id = ${seal.id}`);
  const objects = [`seal:${seal.id}`, `certificate:${digestOfPem(seal.certificate_pem)}`];
  return { description: 'a seal is good for longer than its certificate', objects };
};

/** Replaces a seal's certificate by another one for the same key, from the same authority, that nobody entered. */
const swapCertificate: Tamper = async (insider, random) => {
  const { sql } = insider;
  const seal = await insider.pickRow(
    random,
    sql`select s.*, c.certificate_pem from seals.seal s join seals.seal_certificate c on c.seal_id = s.id order by s.id`,
  );
  const [issuing] = await sql`select * from seals.authority where id = 'issuing'`;
  const certificate = new X509Certificate(seal.certificate_pem);
  const publicKeyPem = certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const organisation = String(certificate.toLegacyObject().subject.O);
  const certificatePem = await insider.signerAt(seal.valid_from).certify({
    authority: await findAuthorityKey(insider, 'issuing'),
    request: {
      profile: 'seal',
      subject: { organisation, unit: ROOT_NAME.unit, commonName: `${seal.name}（测试）` },
      publicKeyPem,
      issuer: ISSUING_NAME,
      issuerPublicKeyPem: issuing?.public_key_pem,
      validFrom: seal.valid_from,
      validUntil: new Date(seal.valid_until.getTime() + 5 * 365 * 86_400_000),
    },
  });
  await insider.change(
    sql`update seals.seal_certificate set certificate_pem = ${certificatePem} where seal_id = ${seal.id}`,
  );
  const certificates = [seal.certificate_pem, certificatePem].map((pem) => `certificate:${digestOfPem(pem)}`);
  return { description: 'a seal has another certificate', objects: [`seal:${seal.id}`, ...certificates] };
};

const swapCodeCertificate: Tamper = async (insider, random) => {
  const { sql } = insider;
  const rows = await sql`select * from seals.seal_code_key order by seal_id`;
  const item = random.pick(rows as readonly Row[]);
  const otherRow = random.pick(rows.filter((row) => row.seal_id !== item.seal_id) as Row[]);
  await insider.change(
    sql`update seals.seal_code_key set certificate_pem = ${otherRow.certificate_pem} where seal_id = ${item.seal_id}`,
  );
  const certificates = [item, otherRow].map((row) => `certificate:${digestOfPem(row.certificate_pem)}`);
  return {
    description: 'a key for codes has another seal’s certificate',
    objects: [`seal:${item.seal_id}`, ...certificates],
  };
};

/** Removes or alters an event of a seal, or adds one without a leaf. */
const tamperWithEvent =
  (method: 'removed' | 'altered' | 'added'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const row = await insider.pickRow(
      random,
      sql`select * from seals.seal_event where event <> 'MADE' order by serial`,
    );
    const objects = [`event:${row.serial}`, `seal:${row.seal_id}`];
    if (method === 'removed') await insider.change(sql`delete from seals.seal_event where serial = ${row.serial}`);
    if (method === 'altered') {
      const changes = random.pick<Row>([
        { actor_id: 'yudu-fgw.keeper' },
        { reason: '补记' },
        { at: new Date(row.at.getTime() - 86_400_000) },
        { matter_id: 'yd2022-9-99' },
      ]);
      await insider.change(sql`update seals.seal_event set ${sql(changes)} where serial = ${row.serial}`);
    }
    if (method === 'added') {
      const { serial: _serial, ...rest } = { ...row, event: 'GRANTED', matter_id: 'yd2022-3-25' } as Row;
      const [insertedEvent] = await sql`insert into seals.seal_event ${sql(rest)} returning serial`;
      objects.push(`event:${insertedEvent?.serial}`);
    }
    return { description: `an event of a seal was ${method}`, objects };
  };

const insertPicture: Tamper = async (insider, random) => {
  const { sql } = insider;
  const seal = await insider.pickRow(random, sql`select id from seals.seal order by id`);
  const png = random.bytes(600);
  const person = { actor_id: 'yudu-fgw.keeper', actor: '赵无名', application_id: crypto.randomUUID() };
  const row = { seal_id: seal.id, digest: hex(png), png, ...person, at: new Date() };
  await insider.change(sql`insert into seals.seal_picture ${sql(row)}`);
  return { description: 'a seal has another picture without an event', objects: [`seal:${seal.id}`] };
};

const listDecisions = ({ sql }: Insider) =>
  sql`select d.*, n.content, n.serial from cases.decision_seal d join cases.notice n on n.id = d.notice_id where d.state = 'DONE' order by n.serial`;

const namesOfDecision = (row: Row) => [
  `notice:${row.notice_id}`,
  `document:${row.document_digest}`,
  `use:${row.notice_id}`,
];

const replaceDecision =
  (method: 'bytes' | 'digest' | 'signature'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const rows = await listDecisions(insider);
    const item = random.pick(rows as readonly Row[]);
    const otherRow = random.pick(rows.filter((row) => row.notice_id !== item.notice_id) as Row[]);
    const objects = [...namesOfDecision(item), `document:${otherRow.document_digest}`];
    if (method === 'bytes')
      await insider.change(sql`update cases.sealed_file set bytes = (select bytes from cases.sealed_file
        where digest = ${otherRow.document_digest}) where digest = ${item.document_digest}`);
    if (method === 'digest') {
      const set = { document_digest: otherRow.document_digest, signature: otherRow.signature };
      await insider.change(sql`update cases.decision_seal set ${sql(set)} where notice_id = ${item.notice_id}`);
    }
    if (method === 'signature')
      await insider.change(sql`update cases.decision_seal set signature = ${flipBit(item.signature, random)}
        where notice_id = ${item.notice_id}`);
    return { description: `a decision document was replaced (${method})`, objects };
  };

const alterNotice =
  (updatesDigest: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const item = await insider.pickRow(random, listDecisions(insider));
    const content = { ...item.content, reason: '符合规定条件' };
    const digest = updatesDigest ? hex(toCanonicalJson(content)) : null;
    await insider.change(sql`update cases.notice set content = ${sql.json(content)},
      content_digest = coalesce(${digest}::text, content_digest) where id = ${item.notice_id}`);
    return {
      description: `a decision says something else${updatesDigest ? ', with its digest' : ''}`,
      objects: namesOfDecision(item),
    };
  };

const deleteDecision: Tamper = async (insider, random) => {
  const { sql } = insider;
  const item = await insider.pickRow(random, listDecisions(insider));
  await insider.change(sql`delete from cases.decision_seal where notice_id = ${item.notice_id}`);
  await sql`delete from cases.sealed_file where digest = ${item.document_digest}`;
  await sql`delete from cases.notice where id = ${item.notice_id}`;
  return { description: 'a decision is gone, its use is not', objects: namesOfDecision(item) };
};

async function findLeafObjects(insider: Insider, kind: string, subject: string): Promise<string[]> {
  const leaves = await readLeaves(insider);
  const index = leaves.findIndex((leaf) => leaf.kind === kind && leaf.subject === subject);
  const leaf = leaves[index];
  return leaf ? namesOfLeaf(leaf, index) : [];
}

/**
 * Makes the newest status list call an ended license valid. It is signed again with the status key, or only altered.
 */
const alterStatusList =
  (isSignedAgain: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const [row] = await sql`select * from licenses.status_list order by published_at desc limit 1`;
    const [head = '', body = '', tail = ''] = String(row?.text).split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const octets = inflateSync(Buffer.from(claims.status_list.lst, 'base64url'));
    const victim = await insider.pickRow(
      random,
      sql`select identifier, status_index from licenses.license_version
      where state <> 'VALID' and status_index < ${2 * octets.length} order by 1`,
    );
    const at = victim.status_index >> 1;
    const octet = octets.readUInt8(at);
    octets.writeUInt8(victim.status_index % 2 === 0 ? octet & 0xf0 : octet & 0x0f, at);
    claims.status_list.lst = deflateSync(octets, { level: 9 }).toString('base64url');
    const payload = JSON.stringify(claims);
    const key = await findAuthorityKey(insider, 'status');
    const open = insider.keys.open(key.keyId, key.encrypted);
    const header = JSON.parse(Buffer.from(head, 'base64url').toString());
    const text = isSignedAgain
      ? compactJws(header, payload, (data) => open(data, 'ieee-p1363'))
      : `${head}.${Buffer.from(payload).toString('base64url')}.${tail}`;
    const objects = [
      `license:${victim.identifier}`,
      `document:${hex(text)}`,
      ...(await findLeafObjects(insider, 'ATTESTATION', hex(String(row?.text)))),
    ];
    await insider.change(sql`update licenses.status_list set text = ${text} where text = ${row?.text}`);
    return { description: `the status list was altered${isSignedAgain ? ' and signed again' : ''}`, objects };
  };

/** Removes a leaf of this kind from the database alone, or from a rewritten log. */
const removeLeaf =
  (kind: string, rewritesLog: boolean): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const leaves = await readLeaves(insider);
    const { index, leaf } = random.pick(
      leaves.flatMap((item, i) => (item.kind === kind ? [{ index: i, leaf: item }] : [])),
    );
    const objects = [...namesOfLeaf(leaf, index), ...(await namesOfRewriting(insider))];
    if (rewritesLog) await rewriteBoth(insider, leaves.toSpliced(index, 1));
    else {
      await insider.change(sql`delete from seals.log_sequence where serial = ${leaf.serial}`);
      await sql`delete from seals.log_leaf where serial = ${leaf.serial}`;
    }
    return {
      description: `a leaf ${kind} is gone${rewritesLog ? ' from a rewritten log' : ' from the database'}`,
      objects,
    };
  };

const tamperWithBundle =
  (method: 'altered' | 'removed'): Tamper =>
  async (insider, random) => {
    const { sql } = insider;
    const row = await insider.pickRow(random, sql`select * from licenses.evidence_bundle order by identifier, seq`);
    const bundle = JSON.parse(row.bundle);
    const token = Buffer.from(bundle.stamps.at(-1).token, 'base64');
    const objects = [`license:${row.identifier}`, ...(await findLeafObjects(insider, 'TIMESTAMP', hex(token)))];
    const where = sql`identifier = ${row.identifier} and seq = ${row.seq}`;
    bundle.stamps.at(-1).revocation.pop();
    await insider.change(
      method === 'removed'
        ? sql`delete from licenses.evidence_bundle where ${where}`
        : sql`update licenses.evidence_bundle set bundle = ${toCanonicalJson(bundle)} where ${where}`,
    );
    return { description: `a stamped bundle was ${method}`, objects };
  };

export const SEAL_KINDS: Record<string, Tamper> = {
  'revocation-removed': removeRevocation(false),
  'revocation-removed-with-list': removeRevocation(true),
  'list-replaced-by-older': replaceNewestList('bytes'),
  'newest-list-removed': replaceNewestList('removed'),
  'seal-grant-slipped-in': insertGrant,
  'seal-grant-taken': deleteGrant,
  'seal-state-without-event': changeState,
  'stopped-seal-in-use': reviveSeal,
  'seal-validity-extended': extendValidity,
  'certificate-swapped': swapCertificate,
  'code-certificate-of-another-seal': swapCodeCertificate,
  'seal-event-removed': tamperWithEvent('removed'),
  'seal-event-altered': tamperWithEvent('altered'),
  'seal-event-added': tamperWithEvent('added'),
  'seal-picture-slipped-in': insertPicture,
  'decision-bytes-replaced': replaceDecision('bytes'),
  'decision-replaced-by-genuine': replaceDecision('digest'),
  'decision-signature-flipped': replaceDecision('signature'),
  'decision-words-altered': alterNotice(false),
  'decision-words-altered-with-digest': alterNotice(true),
  'decision-deleted': deleteDecision,
  'status-list-altered': alterStatusList(false),
  'status-list-altered-and-signed': alterStatusList(true),
  'attestation-leaf-removed': removeLeaf('ATTESTATION', false),
  'attestation-leaf-removed-and-log-rewritten': removeLeaf('ATTESTATION', true),
  'timestamp-leaf-removed': removeLeaf('TIMESTAMP', false),
  'timestamp-leaf-removed-and-log-rewritten': removeLeaf('TIMESTAMP', true),
  'bundle-altered': tamperWithBundle('altered'),
  'bundle-removed': tamperWithBundle('removed'),
};
