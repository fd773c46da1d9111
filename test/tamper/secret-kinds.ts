import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { digestSealable, insertSignature } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import type { LicenseRecord } from '../../subgraphs/licenses/act/record.ts';
import { buildAttachedRecord, buildCodePayload } from '../../subgraphs/licenses/document/code.ts';
import { renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { computeKid } from '../../subgraphs/seals/signer/certificate-fields.ts';
import { compactJws } from '../../subgraphs/seals/signer/jws.ts';
import { findCodeKey, type Insider, type Row, sha256, signOffLedger, type Tamper } from './insider.ts';

import {
  HOLDER,
  insertFile,
  listHeads,
  listVersionObjects,
  replaceDocument,
  replaceRecord,
  requireFile,
} from './version.ts';

/** Tamperings by signatures with a seal's key that no ledger records. */

/** Renders a document from a record and seals it with the seal's key, with its own QR code. Records it nowhere. */
async function renderAndSign(insider: Insider, version: Row, record: LicenseRecord) {
  const key = await findCodeKey(insider, version.seal_id);
  const der = Buffer.from(key.certificatePem.replaceAll(/-----[^-]+-----/g, ''), 'base64');
  const open = insider.keys.open(key.keyId, key.encrypted);
  const header = { alg: 'ES256', kid: computeKid(der), typ: 'tq-code-1' };
  const code = compactJws(header, toCanonicalJson(buildCodePayload(record)), (data) => open(data, 'ieee-p1363'));
  const sealable = renderSealable(buildAttachedRecord(record, code));
  const digest = digestSealable(sealable);
  const cms = await signOffLedger(insider, {
    sealId: version.seal_id,
    profile: 'PADES',
    digest,
    at: version.signed_at,
  });
  return { code, cms, bytes: Buffer.from(insertSignature(sealable, cms)) };
}

/** Secret use: replaces a document by another one with a genuine seal signature. */
const replaceDocumentSecretly: Tamper = async (insider, random) => {
  const version = await insider.pickRow(random, listHeads(insider, 'VALID'));
  const record = { ...version.record, CZZT: HOLDER, ZZYXQJZRQ: '2099-12-31' };
  const { code, cms, bytes } = await renderAndSign(insider, version, record);
  const oldFile = await requireFile(insider, version.document_digest);
  await replaceRecord(insider, version, record);
  const digest = await insertFile(insider, bytes, oldFile, oldFile.name);
  await replaceDocument(insider, version, digest, sha256(cms));
  const { sql } = insider;
  await sql`update licenses.license_version set code = ${code} where identifier = ${version.identifier}`;
  await sql`update licenses.act set code = ${code} where identifier = ${version.identifier} and document_digest = ${digest}`;
  await sql`delete from licenses.document where digest = ${oldFile.digest}`;
  const [act] = await sql`select id from licenses.act where document_digest = ${digest}`;
  const otherObjects = [`document:${digest}`, `act:${act?.id}`, `use:${act?.id}`, `code:${act?.id}`];
  return {
    description: 'a version has another document, sealed in secret',
    objects: [...listVersionObjects(version), ...otherObjects],
  };
};

/** Creates a complete license that nobody granted. Only its seal use is missing. */
const createSecretLicense: Tamper = async (insider, random) => {
  const { sql } = insider;
  const source = await insider.pickRow(
    random,
    sql`select * from licenses.license_version where version = 1 and number ~ '^[0-9]+$' order by identifier`,
  );
  const [newest] = await sql`select newest, series from licenses.number_series
    where series = ${source.number.slice(0, 6)} order by year desc limit 1`;
  const number = `${source.number.slice(0, 10)}${String(Number(newest?.newest) + 1).padStart(source.number.length - 10, '0')}`;
  await sql`update licenses.number_series set newest = newest + 1 where series = ${newest?.series}`;
  await sql`insert into licenses.reserved_number values (${number})`;
  await sql`insert into licenses.license_serial
    values (${source.record.ZZLXDM}, ${source.record.ZZBFJGDM}, ${number}, ${number}, ${number})`;
  const identifierParts = { type: source.record.ZZLXDM, issuer: source.record.ZZBFJGDM, serial: number, version: 1 };
  const identifier = writeLicenseIdentifier(identifierParts);
  const [statusIndex] = await sql`select nextval('licenses.status_index')::int as place`;
  const address = source.record.KZ_HYDZ.replace(source.identifier, identifier);
  const record = {
    ...source.record,
    ZZBH: number,
    ZZBS: identifier,
    CZZT: HOLDER,
    KZ_HYDZ: address,
    KZ_ZTXH: statusIndex?.place,
  };
  const { code, cms, bytes } = await renderAndSign(insider, source, record);
  const digest = await insertFile(insider, bytes, { media_type: 'application/pdf', number }, `${identifier}.pdf`);
  const [blank] =
    await sql`select b.number from licenses.blank b join licenses.sheet s on s.identifier = ${source.identifier}
    where b.state = 'IN_STOCK' and left(b.number, 6) = left(s.blank_number, 6) order by b.number desc limit 1`;
  const [id, caseId] = [random.uuid(), random.uuid()];
  const identity = { identifier, number };
  const digests = { document_digest: digest, signature_digest: sha256(cms) };
  const recordDigest = sha256(toCanonicalJson(record));
  const copyRow = async (table: string, where: string, value: unknown, changes: Row) => {
    const [row] =
      await sql`select * from licenses.${sql(table)} where ${sql(where)} = ${value as string} order by 1 limit 1`;
    const { serial: _serial, ...rest } = { ...row, ...changes } as Row;
    await sql`insert into licenses.${sql(table)} ${sql(rest)}`;
  };
  const json = sql.json(record);
  const [act] = await sql`select id from licenses.act where identifier = ${source.identifier} order by serial limit 1`;
  await copyRow('license', 'number', source.number, {
    number,
    head_identifier: identifier,
    head_version: 1,
    head_state: 'VALID',
  });
  await copyRow('license_version', 'identifier', source.identifier, {
    ...{ ...identity, ...digests, record: json, record_digest: recordDigest, code, status_index: statusIndex?.place },
    ...{ case_id: caseId, state: 'VALID', revision: 1 },
  });
  await copyRow('act', 'id', act?.id, {
    id,
    ...identity,
    ...digests,
    case_id: caseId,
    record: json,
    code,
    blank_number: blank?.number,
  });
  for (const table of ['license_entry', 'paper_entry'])
    await copyRow(table, 'identifier', source.identifier, {
      ...identity,
      content_digest: recordDigest,
      act_id: id,
      seq: 1,
      state_after: 'VALID',
      act: 'ISSUE',
      version: 1,
    });
  await copyRow('sheet', 'identifier', source.identifier, {
    ...{ ...identity, blank_number: blank?.number, state: 'PRINTED', validity: 'VALID', content_digest: recordDigest },
    ...{ delivered_at: null, recalled_at: null, version: 1 },
  });
  await sql`update licenses.blank set state = 'PRINTED', identifier = ${identifier} where number = ${blank?.number}`;
  const [printedEntry] = await sql`select * from licenses.blank_entry where act_id = ${act?.id} and state = 'PRINTED'`;
  for (const [i, state] of ['ASSIGNED', 'PRINTED'].entries()) {
    const entry = { ...printedEntry, number: blank?.number, seq: i + 2, state, identifier, act_id: id };
    await sql`insert into licenses.blank_entry ${sql(entry)}`;
  }
  const objects = [
    `license:${identifier}`,
    `number:${number}`,
    `act:${id}`,
    `use:${id}`,
    `code:${id}`,
    `document:${digest}`,
  ];
  return {
    description: 'a license that nobody granted, sealed in secret',
    objects: [...objects, `sheet:${blank?.number}`],
  };
};

export const SECRET_KINDS: Record<string, Tamper> = {
  'secret-use': replaceDocumentSecretly,
  'secret-license': createSecretLicense,
};
