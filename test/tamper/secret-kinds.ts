import { toCanonicalJson } from '../../subgraphs/kernel/events.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { digestSealable, insertSignature } from '../../subgraphs/kernel/sealed-pdf.ts';
import { attachedOf, codePayloadOf } from '../../subgraphs/licenses/code.ts';
import { renderSealable } from '../../subgraphs/licenses/document/render.ts';
import type { LicenseRecord } from '../../subgraphs/licenses/record.ts';
import { computeKid } from '../../subgraphs/seals/signer/certificate-fields.ts';
import { compactJws } from '../../subgraphs/seals/signer/jws.ts';
import { codeKey, type Inside, type Row, sealSecretly, sha256, type Tamper } from './inside.ts';

import { fileOf, HOLDER, heads, keepFile, namesOf, setDocument, setRecord } from './version.ts';

/** Tamperings by signatures with a seal's key that no ledger records. */

/** Renders a document from a record and seals it with the seal's key, with its own QR code. Records it nowhere. */
async function makeSecretly(inside: Inside, version: Row, record: LicenseRecord) {
  const key = await codeKey(inside, version.seal_id);
  const der = Buffer.from(key.certificatePem.replaceAll(/-----[^-]+-----/g, ''), 'base64');
  const open = inside.keys.open(key.keyId, key.encrypted);
  const header = { alg: 'ES256', kid: computeKid(der), typ: 'tq-code-1' };
  const code = compactJws(header, toCanonicalJson(codePayloadOf(record)), (data) => open(data, 'ieee-p1363'));
  const sealable = renderSealable(attachedOf(record, code));
  const digest = digestSealable(sealable);
  const cms = await sealSecretly(inside, { sealId: version.seal_id, profile: 'PADES', digest, at: version.signed_at });
  return { code, cms, bytes: Buffer.from(insertSignature(sealable, cms)) };
}

/** Secret use: replaces a document by another one with a genuine seal signature. */
const secretUse: Tamper = async (inside, chance) => {
  const version = await inside.victim(chance, heads(inside, 'VALID'));
  const record = { ...version.record, CZZT: HOLDER, ZZYXQJZRQ: '2099-12-31' };
  const { code, cms, bytes } = await makeSecretly(inside, version, record);
  const old = await fileOf(inside, version.document_digest);
  await setRecord(inside, version, record);
  const digest = await keepFile(inside, bytes, old, old.name);
  await setDocument(inside, version, digest, sha256(cms));
  const { sql } = inside;
  await sql`update licenses.license_version set code = ${code} where identifier = ${version.identifier}`;
  await sql`update licenses.act set code = ${code} where identifier = ${version.identifier} and document_digest = ${digest}`;
  await sql`delete from licenses.document where digest = ${old.digest}`;
  const [act] = await sql`select id from licenses.act where document_digest = ${digest}`;
  const more = [`document:${digest}`, `act:${act?.id}`, `use:${act?.id}`, `code:${act?.id}`];
  return { description: 'a version has another document, sealed in secret', objects: [...namesOf(version), ...more] };
};

/** Creates a complete license that nobody granted. Only its seal use is missing. */
const secretLicense: Tamper = async (inside, chance) => {
  const { sql } = inside;
  const from = await inside.victim(
    chance,
    sql`select * from licenses.license_version where version = 1 order by identifier`,
  );
  const [newest] = await sql`select newest, division_code, year from licenses.license_number
    where division_code = ${from.number.slice(0, 6)} order by year desc limit 1`;
  const number = `${from.number.slice(0, 10)}${String(Number(newest?.newest) + 1).padStart(from.number.length - 10, '0')}`;
  await sql`update licenses.license_number set newest = newest + 1 where division_code = ${newest?.division_code}`;
  const parts = { type: from.record.ZZLXDM, issuer: from.record.ZZBFJGDM, serial: number, version: 1 };
  const identifier = writeLicenseIdentifier(parts);
  const [place] = await sql`select nextval('licenses.status_index')::int as place`;
  const address = from.record.KZ_HYDZ.replace(from.identifier, identifier);
  const record = {
    ...from.record,
    ZZBH: number,
    ZZBS: identifier,
    CZZT: HOLDER,
    KZ_HYDZ: address,
    KZ_ZTXH: place?.place,
  };
  const { code, cms, bytes } = await makeSecretly(inside, from, record);
  const digest = await keepFile(inside, bytes, { media_type: 'application/pdf', number }, `${identifier}.pdf`);
  const [blank] =
    await sql`select b.number from licenses.blank b join licenses.sheet s on s.identifier = ${from.identifier}
    where b.state = 'IN_STOCK' and left(b.number, 6) = left(s.blank_number, 6) order by b.number desc limit 1`;
  const [id, caseId] = [chance.uuid(), chance.uuid()];
  const names = { identifier, number };
  const sealed = { document_digest: digest, signature_digest: sha256(cms) };
  const of = sha256(toCanonicalJson(record));
  const copy = async (table: string, where: string, value: unknown, changes: Row) => {
    const [row] =
      await sql`select * from licenses.${sql(table)} where ${sql(where)} = ${value as string} order by 1 limit 1`;
    const { serial: _serial, ...rest } = { ...row, ...changes } as Row;
    await sql`insert into licenses.${sql(table)} ${sql(rest)}`;
  };
  const json = sql.json(record);
  const [act] = await sql`select id from licenses.act where identifier = ${from.identifier} order by serial limit 1`;
  await copy('license', 'number', from.number, {
    number,
    head_identifier: identifier,
    head_version: 1,
    head_state: 'VALID',
  });
  await copy('license_version', 'identifier', from.identifier, {
    ...{ ...names, ...sealed, record: json, record_digest: of, code, status_index: place?.place },
    ...{ case_id: caseId, state: 'VALID', revision: 1 },
  });
  await copy('act', 'id', act?.id, {
    id,
    ...names,
    ...sealed,
    case_id: caseId,
    record: json,
    code,
    blank_number: blank?.number,
  });
  for (const table of ['license_entry', 'paper_entry'])
    await copy(table, 'identifier', from.identifier, {
      ...names,
      content_digest: of,
      act_id: id,
      seq: 1,
      state_after: 'VALID',
      act: 'ISSUE',
      version: 1,
    });
  await copy('sheet', 'identifier', from.identifier, {
    ...{ ...names, blank_number: blank?.number, state: 'PRINTED', validity: 'VALID', content_digest: of },
    ...{ delivered_at: null, recalled_at: null, version: 1 },
  });
  await sql`update licenses.blank set state = 'PRINTED', identifier = ${identifier} where number = ${blank?.number}`;
  const [printed] = await sql`select * from licenses.blank_entry where act_id = ${act?.id} and state = 'PRINTED'`;
  for (const [i, state] of ['ASSIGNED', 'PRINTED'].entries()) {
    const entry = { ...printed, number: blank?.number, seq: i + 2, state, identifier, act_id: id };
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
  'secret-use': secretUse,
  'secret-license': secretLicense,
};
