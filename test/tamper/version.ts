import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import type { LicenseRecord } from '../../subgraphs/licenses/act/record.ts';
import { type Insider, type Row, sha256 } from './insider.ts';

/** Changes a version as an insider can: consistently, with every digest of it in every table. */

export const listHeads = ({ sql }: Insider, ...states: string[]) =>
  sql`select v.*, l.issuer from licenses.license_version v join licenses.license l on l.head_identifier = v.identifier
    where v.state = any(${states}) order by v.identifier`;

export const HOLDER = '于都县另一示范有限公司';

/** Returns the objects that an auditor may name if a version is wrong. */
export const listVersionObjects = ({ identifier, number, document_digest }: Row) => [
  `license:${identifier}`,
  `number:${number}`,
  `document:${document_digest}`,
];

/** Replaces the record of a version, and every digest of it: in version, sheet, both ledgers and act. */
export async function replaceRecord(insider: Insider, version: Row, record: LicenseRecord): Promise<void> {
  const { sql } = insider;
  const digest = sha256(toCanonicalJson(record));
  const { identifier } = version;
  const json = sql.json({ ...record });
  await insider.change(
    sql`update licenses.license_version set record = ${json}, record_digest = ${digest} where identifier = ${identifier}`,
  );
  await sql`update licenses.sheet set content_digest = ${digest} where identifier = ${identifier}`;
  await sql`update licenses.license_entry set content_digest = ${digest} where identifier = ${identifier}`;
  await sql`update licenses.paper_entry set content_digest = ${digest} where identifier = ${identifier}`;
  await sql`update licenses.act set record = ${json} where identifier = ${identifier} and document_digest = ${version.document_digest}`;
}

/** Replaces the files of a version, and every digest of them. */
export async function replaceDocument(
  insider: Insider,
  version: Row,
  documentDigest: string,
  signatureDigest: string,
): Promise<void> {
  const { sql } = insider;
  const { identifier, document_digest: oldDigest } = version;
  const digests = { document_digest: documentDigest, signature_digest: signatureDigest };
  await insider.change(sql`update licenses.license_version set ${sql(digests)} where identifier = ${identifier}`);
  await sql`update licenses.act set ${sql(digests)} where identifier = ${identifier} and document_digest = ${oldDigest}`;
  const changes = sql.json({ documentDigest, signatureDigest });
  await sql`update licenses.outbox_event set payload = payload || ${changes} where payload->>'documentDigest' = ${oldDigest}`;
}

export async function insertFile({ sql }: Insider, bytes: Buffer, template: Row, name: string): Promise<string> {
  const digest = sha256(bytes);
  const row = { digest, media_type: template.media_type, bytes, number: template.number, name };
  await sql`insert into licenses.document ${sql(row)} on conflict do nothing`;
  return digest;
}

export async function requireFile({ sql }: Insider, digest: string): Promise<Row> {
  const [row] = await sql`select * from licenses.document where digest = ${digest}`;
  if (!row) throw new Error(`no file ${digest}`);
  return row;
}
