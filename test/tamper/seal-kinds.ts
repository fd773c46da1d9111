import { X509Certificate } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { sha256 as hex, toCanonicalJson } from '../../subgraphs/kernel/events.ts';
import { derOf } from '../../subgraphs/seals/signer/cms.ts';
import { compactJws } from '../../subgraphs/seals/signer/jws.ts';
import { ISSUING_NAME, ROOT_NAME } from '../../subgraphs/seals/signer/pki.ts';
import { certifiedKey, digestOfPem, flipped, type Inside, type Row, type Tamper } from './inside.ts';
import { namesOfLeaf, namesOfRewriting, readLeaves, rewriteBoth } from './rewrite.ts';

/** Tamperings with seals, certificates, revocation lists, decisions, attestations and timestamps. */

async function revoked(inside: Inside): Promise<{ rows: Row[]; objects: string[] }> {
  const { sql } = inside;
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
async function signList(inside: Inside, row: Row, rows: readonly Row[]): Promise<Buffer> {
  const { sql } = inside;
  const [authority] = await sql`select * from seals.authority where id = 'issuing'`;
  const key = await certifiedKey(inside, 'issuing');
  const bytes = await inside.signerAt(row.this_update).publishList({
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

const newestList = async ({ sql }: Inside): Promise<Row> => {
  const [row] = await sql`select * from seals.revocation_list where authority = 'issuing' order by number desc limit 1`;
  if (!row) throw new Error('no list');
  return row;
};

const unrevoked =
  (listToo: boolean): Tamper =>
  async (inside) => {
    const { sql } = inside;
    const { objects } = await revoked(inside);
    await inside.change(sql`delete from seals.revocation`);
    if (listToo) {
      const row = await newestList(inside);
      const bytes = await signList(inside, row, []);
      const where = sql`authority = 'issuing' and number = ${row.number}`;
      await inside.change(sql`update seals.revocation_list set bytes = ${bytes} where ${where}`);
    }
    return { description: `a revocation is gone${listToo ? ', and the list says nothing of it' : ''}`, objects };
  };

const listOlder =
  (how: 'bytes' | 'removed'): Tamper =>
  async (inside) => {
    const { sql } = inside;
    const { objects } = await revoked(inside);
    const { number } = await newestList(inside);
    const where = sql`authority = 'issuing' and number = ${number}`;
    await inside.change(
      how === 'removed'
        ? sql`delete from seals.revocation_list where ${where}`
        : sql`update seals.revocation_list set bytes = (select bytes from seals.revocation_list
            where authority = 'issuing' and number < ${number} order by number limit 1) where ${where}`,
    );
    return { description: `the newest list is an older one (${how})`, objects };
  };

const grantSlippedIn: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const grant = await inside.victim(
    chance,
    sql`select s.id, g.matter_id from seals.seal s
    cross join (select distinct matter_id from seals.seal_grant) g where s.state = 'IN_USE'
    and not exists (select 1 from seals.seal_grant o where o.seal_id = s.id and o.matter_id = g.matter_id) order by 1, 2`,
  );
  await inside.change(sql`insert into seals.seal_grant (seal_id, matter_id) values (${grant.id}, ${grant.matter_id})`);
  return { description: `a seal may be used for ${grant.matter_id}`, objects: [`seal:${grant.id}`] };
};

const grantTaken: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const grant = await inside.victim(chance, sql`select * from seals.seal_grant order by seal_id, matter_id`);
  await sql`delete from seals.seal_grant_withdrawal where grant_id = ${grant.id}`;
  await inside.change(sql`delete from seals.seal_grant where id = ${grant.id}`);
  return { description: 'a seal lost a grant', objects: [`seal:${grant.seal_id}`] };
};

const stateChanged: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const seal = await inside.victim(chance, sql`select id, state from seals.seal order by id`);
  const state = seal.state === 'IN_USE' ? 'SUSPENDED' : 'IN_USE';
  await inside.change(sql`update seals.seal set state = ${state} where id = ${seal.id}`);
  await sql`update licenses.seal_fact set state = ${state} where seal_id = ${seal.id}`;
  return { description: `a seal is ${state} without an event`, objects: [`seal:${seal.id}`] };
};

const endedInUse: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const seal = await inside.victim(chance, sql`select id from seals.seal where state <> 'IN_USE' order by id`);
  await inside.change(sql`update seals.seal set state = 'IN_USE' where id = ${seal.id}`);
  await sql`update licenses.seal_fact set state = 'IN_USE' where seal_id = ${seal.id}`;
  return { description: 'a stopped seal is in use again', objects: [`seal:${seal.id}`] };
};

const validityExtended: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const seal = await inside.victim(
    chance,
    sql`select s.id, c.certificate_pem from seals.seal s join seals.seal_certificate c on c.seal_id = s.id order by s.id`,
  );
  await inside.change(sql`update seals.seal set valid_until = valid_until + interval '5 years' where id = ${seal.id}`);
  const objects = [`seal:${seal.id}`, `certificate:${digestOfPem(seal.certificate_pem)}`];
  return { description: 'a seal is good for longer than its certificate', objects };
};

/** Replaces a seal's certificate by another one for the same key, from the same authority, that nobody entered. */
const certificateSwapped: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const seal = await inside.victim(
    chance,
    sql`select s.*, c.certificate_pem from seals.seal s join seals.seal_certificate c on c.seal_id = s.id order by s.id`,
  );
  const [issuing] = await sql`select * from seals.authority where id = 'issuing'`;
  const known = new X509Certificate(seal.certificate_pem);
  const publicKeyPem = known.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const organisation = String(known.toLegacyObject().subject.O);
  const certificatePem = await inside.signerAt(seal.valid_from).certify({
    authority: await certifiedKey(inside, 'issuing'),
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
  await inside.change(
    sql`update seals.seal_certificate set certificate_pem = ${certificatePem} where seal_id = ${seal.id}`,
  );
  const certificates = [seal.certificate_pem, certificatePem].map((pem) => `certificate:${digestOfPem(pem)}`);
  return { description: 'a seal has another certificate', objects: [`seal:${seal.id}`, ...certificates] };
};

const certificateOfAnother: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const rows = await sql`select * from seals.seal_code_key order by seal_id`;
  const one = chance.pick(rows as readonly Row[]);
  const other = chance.pick(rows.filter((row) => row.seal_id !== one.seal_id) as Row[]);
  await inside.change(
    sql`update seals.seal_code_key set certificate_pem = ${other.certificate_pem} where seal_id = ${one.seal_id}`,
  );
  const certificates = [one, other].map((row) => `certificate:${digestOfPem(row.certificate_pem)}`);
  return {
    description: 'a key for codes has another seal’s certificate',
    objects: [`seal:${one.seal_id}`, ...certificates],
  };
};

/** Removes or alters an event of a seal, or adds one without a leaf. */
const event =
  (how: 'removed' | 'altered' | 'added'): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const row = await inside.victim(chance, sql`select * from seals.seal_event where event <> 'MADE' order by serial`);
    const objects = [`event:${row.serial}`, `seal:${row.seal_id}`];
    if (how === 'removed') await inside.change(sql`delete from seals.seal_event where serial = ${row.serial}`);
    if (how === 'altered') {
      const changes = chance.pick<Row>([
        { actor_id: 'yudu-fgw.keeper' },
        { reason: '补记' },
        { at: new Date(row.at.getTime() - 86_400_000) },
        { matter_id: 'yd2022-9-99' },
      ]);
      await inside.change(sql`update seals.seal_event set ${sql(changes)} where serial = ${row.serial}`);
    }
    if (how === 'added') {
      const { serial: _serial, ...rest } = { ...row, event: 'GRANTED', matter_id: 'yd2022-3-25' } as Row;
      const [made] = await sql`insert into seals.seal_event ${sql(rest)} returning serial`;
      objects.push(`event:${made?.serial}`);
    }
    return { description: `an event of a seal was ${how}`, objects };
  };

const pictureSlippedIn: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const seal = await inside.victim(chance, sql`select id from seals.seal order by id`);
  const png = chance.bytes(600);
  const row = { seal_id: seal.id, digest: hex(png), png, actor_id: 'yudu-fgw.keeper', actor: '赵无名', at: new Date() };
  await inside.change(sql`insert into seals.seal_picture ${sql(row)}`);
  return { description: 'a seal has another picture without an event', objects: [`seal:${seal.id}`] };
};

const decisions = ({ sql }: Inside) =>
  sql`select d.*, n.content, n.serial from cases.decision_seal d join cases.notice n on n.id = d.notice_id where d.state = 'DONE' order by n.serial`;

const namesOfDecision = (row: Row) => [
  `notice:${row.notice_id}`,
  `document:${row.document_digest}`,
  `use:${row.notice_id}`,
];

const decisionReplaced =
  (how: 'bytes' | 'digest' | 'signature'): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const rows = await decisions(inside);
    const one = chance.pick(rows as readonly Row[]);
    const other = chance.pick(rows.filter((row) => row.notice_id !== one.notice_id) as Row[]);
    const objects = [...namesOfDecision(one), `document:${other.document_digest}`];
    if (how === 'bytes')
      await inside.change(sql`update cases.sealed_file set bytes = (select bytes from cases.sealed_file
        where digest = ${other.document_digest}) where digest = ${one.document_digest}`);
    if (how === 'digest') {
      const set = { document_digest: other.document_digest, signature: other.signature };
      await inside.change(sql`update cases.decision_seal set ${sql(set)} where notice_id = ${one.notice_id}`);
    }
    if (how === 'signature')
      await inside.change(sql`update cases.decision_seal set signature = ${flipped(one.signature, chance)}
        where notice_id = ${one.notice_id}`);
    return { description: `a decision document was replaced (${how})`, objects };
  };

const noticeAltered =
  (digestToo: boolean): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const one = await inside.victim(chance, decisions(inside));
    const content = { ...one.content, reason: '符合规定条件' };
    const digest = digestToo ? hex(toCanonicalJson(content)) : null;
    await inside.change(sql`update cases.notice set content = ${sql.json(content)},
      content_digest = coalesce(${digest}::text, content_digest) where id = ${one.notice_id}`);
    return {
      description: `a decision says something else${digestToo ? ', with its digest' : ''}`,
      objects: namesOfDecision(one),
    };
  };

const decisionDeleted: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const one = await inside.victim(chance, decisions(inside));
  await inside.change(sql`delete from cases.decision_seal where notice_id = ${one.notice_id}`);
  await sql`delete from cases.sealed_file where digest = ${one.document_digest}`;
  await sql`delete from cases.notice where id = ${one.notice_id}`;
  return { description: 'a decision is gone, its use is not', objects: namesOfDecision(one) };
};

async function leafOf(inside: Inside, kind: string, subject: string): Promise<string[]> {
  const leaves = await readLeaves(inside);
  const index = leaves.findIndex((leaf) => leaf.kind === kind && leaf.subject === subject);
  const leaf = leaves[index];
  return leaf ? namesOfLeaf(leaf, index) : [];
}

/** Makes the newest status list call an ended license valid. It is signed again with the status key, or only altered. */
const statusList =
  (signed: boolean): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const [row] = await sql`select * from licenses.status_list order by published_at desc limit 1`;
    const [head = '', body = '', tail = ''] = String(row?.text).split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const octets = inflateSync(Buffer.from(claims.status_list.lst, 'base64url'));
    const victim = await inside.victim(
      chance,
      sql`select identifier, status_index from licenses.license_version
      where state <> 'VALID' and status_index < ${2 * octets.length} order by 1`,
    );
    const at = victim.status_index >> 1;
    const octet = octets.readUInt8(at);
    octets.writeUInt8(victim.status_index % 2 === 0 ? octet & 0xf0 : octet & 0x0f, at);
    claims.status_list.lst = deflateSync(octets, { level: 9 }).toString('base64url');
    const payload = JSON.stringify(claims);
    const key = await certifiedKey(inside, 'status');
    const open = inside.keys.open(key.keyId, key.encrypted);
    const header = JSON.parse(Buffer.from(head, 'base64url').toString());
    const text = signed
      ? compactJws(header, payload, (data) => open(data, 'ieee-p1363'))
      : `${head}.${Buffer.from(payload).toString('base64url')}.${tail}`;
    const objects = [
      `license:${victim.identifier}`,
      `document:${hex(text)}`,
      ...(await leafOf(inside, 'ATTESTATION', hex(String(row?.text)))),
    ];
    await inside.change(sql`update licenses.status_list set text = ${text} where text = ${row?.text}`);
    return { description: `the status list was altered${signed ? ' and signed again' : ''}`, objects };
  };

/** Removes a leaf of this kind from the database alone, or from a rewritten log. */
const leafRemoved =
  (kind: string, rewritten: boolean): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const leaves = await readLeaves(inside);
    const { index, leaf } = chance.pick(
      leaves.flatMap((one, i) => (one.kind === kind ? [{ index: i, leaf: one }] : [])),
    );
    const objects = [...namesOfLeaf(leaf, index), ...(await namesOfRewriting(inside))];
    if (rewritten) await rewriteBoth(inside, leaves.toSpliced(index, 1));
    else {
      await inside.change(sql`delete from seals.log_sequence where serial = ${leaf.serial}`);
      await sql`delete from seals.log_leaf where serial = ${leaf.serial}`;
    }
    return {
      description: `a leaf ${kind} is gone${rewritten ? ' from a rewritten log' : ' from the database'}`,
      objects,
    };
  };

const bundleAltered =
  (how: 'altered' | 'removed'): Tamper =>
  async (inside, chance) => {
    const { sql } = inside;
    const row = await inside.victim(chance, sql`select * from licenses.evidence_bundle order by identifier, seq`);
    const bundle = JSON.parse(row.bundle);
    const token = Buffer.from(bundle.stamps.at(-1).token, 'base64');
    const objects = [`license:${row.identifier}`, ...(await leafOf(inside, 'TIMESTAMP', hex(token)))];
    const where = sql`identifier = ${row.identifier} and seq = ${row.seq}`;
    bundle.stamps.at(-1).revocation.pop();
    await inside.change(
      how === 'removed'
        ? sql`delete from licenses.evidence_bundle where ${where}`
        : sql`update licenses.evidence_bundle set bundle = ${toCanonicalJson(bundle)} where ${where}`,
    );
    return { description: `a stamped bundle was ${how}`, objects };
  };

export const SEAL_KINDS: Record<string, Tamper> = {
  'revocation-removed': unrevoked(false),
  'revocation-removed-with-list': unrevoked(true),
  'list-replaced-by-older': listOlder('bytes'),
  'newest-list-removed': listOlder('removed'),
  'seal-grant-slipped-in': grantSlippedIn,
  'seal-grant-taken': grantTaken,
  'seal-state-without-event': stateChanged,
  'stopped-seal-in-use': endedInUse,
  'seal-validity-extended': validityExtended,
  'certificate-swapped': certificateSwapped,
  'code-certificate-of-another-seal': certificateOfAnother,
  'seal-event-removed': event('removed'),
  'seal-event-altered': event('altered'),
  'seal-event-added': event('added'),
  'seal-picture-slipped-in': pictureSlippedIn,
  'decision-bytes-replaced': decisionReplaced('bytes'),
  'decision-replaced-by-genuine': decisionReplaced('digest'),
  'decision-signature-flipped': decisionReplaced('signature'),
  'decision-words-altered': noticeAltered(false),
  'decision-words-altered-with-digest': noticeAltered(true),
  'decision-deleted': decisionDeleted,
  'status-list-altered': statusList(false),
  'status-list-altered-and-signed': statusList(true),
  'attestation-leaf-removed': leafRemoved('ATTESTATION', false),
  'attestation-leaf-removed-and-log-rewritten': leafRemoved('ATTESTATION', true),
  'timestamp-leaf-removed': leafRemoved('TIMESTAMP', false),
  'timestamp-leaf-removed-and-log-rewritten': leafRemoved('TIMESTAMP', true),
  'bundle-altered': bundleAltered('altered'),
  'bundle-removed': bundleAltered('removed'),
};
