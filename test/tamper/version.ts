import { toCanonicalJson } from '../../subgraphs/kernel/events.ts';
import type { LicenseRecord } from '../../subgraphs/licenses/record.ts';
import { type Inside, type Row, sha256 } from './inside.ts';

/** Changes a version as an insider can: consistently, with every digest of it in every table. */

export const heads = ({ sql }: Inside, ...states: string[]) =>
  sql`select v.*, l.issuer from licenses.license_version v join licenses.license l on l.head_identifier = v.identifier
    where v.state = any(${states}) order by v.identifier`;

export const HOLDER = '于都县另一示范有限公司';

/** Returns the objects that an auditor may name if a version is wrong. */
export const namesOf = ({ identifier, number, document_digest }: Row) => [
  `license:${identifier}`,
  `number:${number}`,
  `document:${document_digest}`,
];

/** Replaces the record of a version, and every digest of it: in version, sheet, both ledgers and act. */
export async function setRecord(inside: Inside, version: Row, record: LicenseRecord): Promise<void> {
  const { sql } = inside;
  const digest = sha256(toCanonicalJson(record));
  const { identifier } = version;
  const json = sql.json({ ...record });
  await inside.change(
    sql`update licenses.license_version set record = ${json}, record_digest = ${digest} where identifier = ${identifier}`,
  );
  await sql`update licenses.sheet set content_digest = ${digest} where identifier = ${identifier}`;
  await sql`update licenses.license_entry set content_digest = ${digest} where identifier = ${identifier}`;
  await sql`update licenses.paper_entry set content_digest = ${digest} where identifier = ${identifier}`;
  await sql`update licenses.act set record = ${json} where identifier = ${identifier} and document_digest = ${version.document_digest}`;
}

/** Replaces the files of a version, and every digest of them. */
export async function setDocument(
  inside: Inside,
  version: Row,
  documentDigest: string,
  signatureDigest: string,
): Promise<void> {
  const { sql } = inside;
  const { identifier, document_digest: old } = version;
  const set = { document_digest: documentDigest, signature_digest: signatureDigest };
  await inside.change(sql`update licenses.license_version set ${sql(set)} where identifier = ${identifier}`);
  await sql`update licenses.act set ${sql(set)} where identifier = ${identifier} and document_digest = ${old}`;
  const told = sql.json({ documentDigest, signatureDigest });
  await sql`update licenses.outbox_event set payload = payload || ${told} where payload->>'documentDigest' = ${old}`;
}

export async function keepFile({ sql }: Inside, bytes: Buffer, like: Row, name: string): Promise<string> {
  const digest = sha256(bytes);
  const row = { digest, media_type: like.media_type, bytes, number: like.number, name };
  await sql`insert into licenses.document ${sql(row)} on conflict do nothing`;
  return digest;
}

export async function fileOf({ sql }: Inside, digest: string): Promise<Row> {
  const [row] = await sql`select * from licenses.document where digest = ${digest}`;
  if (!row) throw new Error(`no file ${digest}`);
  return row;
}
