import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/**
 * What becomes of each text, JSON and binary column by a lawful erasure (docs/privacy.md, `npm run erase`). A new
 * column without a row fails. `test/tamper/erase.db.test.ts` shows the erasure itself.
 */

/** Tables and their columns, by what becomes of them. */
const FATES: Readonly<Record<string, readonly string[]>> = {
  erased: [
    'cases.case_file: applicant_name applicant_code fields request_digest',
    'cases.license_fact: fact',
    'cases.outbox_event: payload',
    'licenses.act: record reason rendered',
    'licenses.certificate_task: content void_reason',
    'licenses.document: bytes',
    'licenses.license: holder_code holder_name',
    'licenses.license_version: record',
    'licenses.outbox_event: payload',
    'licenses.proposal: content',
    'licenses.proposal_outcome: reason',
    'licenses.supervision_order: reason answer',
  ],
  'kept with the file of the case, for its period in the archive': [
    'cases.case_file: applicant_code_kind',
    'cases.case_step: note data',
    'cases.notice: content content_digest',
    'cases.sealed_file: digest bytes',
    'cases.case_material: name',
    'cases.material_file: digest bytes',
    'cases.material_upload: digest name uploader_id holder_code',
    'cases.decision_seal: document_digest signature',
  ],
  'kept as evidence of supervision, as others signed it': [
    'cases.finding: text papers answer',
    'cases.finding_entry: note',
    'cases.push_entry: receipt',
    'cases.supervision_message: body_digest answer',
    'cases.platform_message: digest raw signature answer',
    'cases.outbox_receipt: receipt',
    'licenses.outbox_receipt: receipt',
    'seals.outbox_receipt: receipt',
    'matters.outbox_receipt: receipt',
    'licenses.duty: reason',
    'cases.duty: reason',
  ],
  'kept as the record of processing, three years at least': [
    'cases.reading: holder_code purpose remark',
    'licenses.reading: holder_code purpose remark',
  ],
  'names and ids of staff, and what they state about an office': [
    'cases.agreement: recorded_by ended_by end_reason',
    'cases.calendar_notice: actor_id actor',
    'cases.case_file: requested_by',
    'cases.case_step: actor_id actor',
    'cases.duty_exception: person_id reason',
    'cases.duty_exception_end: actor_id actor reason',
    'cases.case_material: actor_id actor',
    'cases.appointment: issuer subject name proposed_by_id proposed_by approved_by_id approved_by',
    'cases.appointment_end: reason proposed_by_id proposed_by approved_by_id approved_by',
    'cases.session_end: subject reason actor_id actor',
    'cases.issuer_logout: issuer statement_id subject session',
    'cases.proposal: content proposed_by_id proposed_by',
    'cases.peer_proposal: proposed_by_id',
    'cases.proposal_outcome: actor_id actor reason',
    'cases.reading: reader_id reader',
    'cases.finding: recorded_by acknowledged_by',
    'cases.finding_entry: actor_id actor',
    'cases.push: claimed_by_id claimed_by signed_by',
    'cases.push_entry: actor_id actor',
    'cases.webhook: registered_by',
    'cases.takeover: operator',
    'licenses.act: actor_id actor',
    'licenses.sweep_clock: confirmed_by',
    'licenses.blank_box: actor',
    'licenses.blank_entry: actor reason',
    'licenses.certificate_task: voided_by',
    'licenses.supervision_order: answered_by',
    'licenses.proposal: proposed_by_id proposed_by',
    'licenses.proposal_outcome: actor_id actor',
    'licenses.reading: reader_id reader',
    'seals.erasure: ordered_by',
    'seals.seal_code: authorised_by_id authorised_by',
    'seals.seal_event: actor_id actor applied_by_id applied_by reason reason_salt',
    'seals.seal_grant: person_id',
    'seals.seal_picture: actor_id actor',
    'seals.seal_use: authorised_by_id authorised_by',
    'seals.seal_application: particulars reason applied_by_id applied_by',
    'seals.seal_application_outcome: actor_id actor reason',
    'matters.delegation_import: actor_id actor',
    'matters.guide_overlay: published_by',
    'matters.guide_version: published_by',
    'matters.license_type_version: published_by',
    'matters.proposal: content proposed_by_id proposed_by',
    'matters.proposal_outcome: actor_id actor reason',
    'matters.task_report: note actor_id actor',
  ],
  'digests of contents with a random element, signatures over them, statements of states: no data of a person': [
    'cases.decision_seal: authorisation',
    'licenses.act: content_digest authorisation code document_digest signature_digest',
    'licenses.certificate_task: content_digest authorisation',
    'licenses.document: digest',
    'licenses.license_entry: content_digest',
    'licenses.paper_entry: content_digest',
    'licenses.sheet: content_digest',
    'licenses.license_version: record_digest code document_digest signature_digest',
    'licenses.evidence_bundle: bundle',
    'licenses.state_statement: text',
    'licenses.status_list: text',
    'seals.seal_code: authorisation content_digest payload code',
    'seals.seal_use: authorisation content_digest document_digest signature',
    'seals.register_statement: text',
    'seals.log_leaf: kind subject entry hash',
    'seals.log_tile: hash',
    'seals.log_checkpoint: root note',
    'seals.log_cosignature: witness line',
    'seals.log_head: root',
  ],
  'of matters, organs, seals and numbers: never of a person': [
    ...['cases', 'licenses', 'seals', 'matters'].flatMap((schema) => [
      `${schema}.inbox: producer stream`,
      `${schema}.outbox_delivery: consumer stream last_error`,
      `${schema}.outbox_event: stream type`,
      `${schema}.outbox_receipt: consumer stream`,
      `${schema}.outbox_stream: stream`,
    ]),
    'seals.outbox_event: payload',
    'matters.outbox_event: payload',
    'cases.agreement: number city_organ county_organ matters scan_digest',
    'cases.calendar_notice: source holidays make_up_days',
    'cases.case_file: number matter_id division_code matter delegation license_number act accepted_by guide window parties',
    'cases.case_file: step waits_organs waits_window request_key',
    'cases.case_number: division_code',
    'cases.case_step: step organ finding',
    'cases.guide_fact: matter_id fact',
    'cases.license_fact: number',
    'cases.license_key: key number',
    'cases.license_type_fact: code fact',
    'cases.matter_fact: matter_id fact',
    'cases.duty_exception: organ kind person_organ',
    'cases.case_material: code form kind license_identifier license_state organ',
    'cases.material_file: media_type state',
    'cases.decision_seal: state organ matter_id waiting_for seal_id',
    'cases.notice: kind number organ',
    'cases.document_number: mark year',
    'cases.appointment: organ roles window source',
    'cases.platform: organ name url',
    'cases.platform_case: stream',
    'cases.platform_key: kid x',
    'cases.platform_message: type case_number kid verdict',
    'cases.proposal: kind organ',
    'cases.proposal_outcome: outcome',
    'cases.reading: subject number object object_id organ delivery',
    'cases.case_figure: organ mode outcome',
    'cases.case_license: number',
    'cases.duty: duty_id kind identifier name organs division_code',
    'cases.peer_proposal: kind organ roles subject license',
    'cases.finding: kind organ decided_by license_number state request_key request_digest',
    'cases.finding_entry: event organ',
    'cases.push: matter_id level organ decision decided_by state',
    'cases.push_entry: event organ',
    'cases.supervision_message: message_id',
    'cases.webhook: organ url',
    'licenses.act: act number identifier state state_after organ matter_id blank_number spoiled_blank waiting_for',
    'licenses.act: duplicate_blanks',
    'licenses.blank: number organ state identifier license_type',
    'licenses.blank_box: prefix organ license_type',
    'licenses.blank_entry: number state identifier',
    'licenses.certificate_task: case_number issuer parties counters handled_by window number',
    'licenses.document: media_type number name',
    'licenses.license: number division_code handled_by window issuer matter_id parties counters head_identifier head_state',
    'licenses.license: name type_code earlier_identifier',
    'licenses.license_change: stream',
    'licenses.license_entry: number identifier act state_after',
    'licenses.license_serial: type_code uscc serial number',
    'licenses.number_series: series',
    'licenses.reserved_number: number',
    'licenses.license_version: identifier number state seal_id',
    'licenses.lost_version: identifier number',
    'licenses.paper_entry: number identifier act state_after',
    'licenses.seal_fact: seal_id organ name state grants',
    'licenses.sheet: blank_number identifier number kind state validity',
    'licenses.proposal_subject: subject',
    'licenses.evidence_bundle: identifier',
    'licenses.state_statement: identifier',
    'licenses.supervision_order: number issuer act supervisor supervisor_id state',
    'licenses.duty: id kind identifier name organs division_code',
    'licenses.proposal: kind organ',
    'licenses.proposal_license: number',
    'licenses.renewal: number',
    'licenses.proposal_outcome: outcome',
    'licenses.reading: subject number object object_id organ delivery',
    'seals.authority: id certificate_pem public_key_pem encrypted_key',
    'seals.erasure: identifier basis',
    'seals.lost_use: kind identifier',
    'seals.revocation: serial authority seal_id reason',
    'seals.revocation_list: authority bytes',
    'seals.seal: id organ name kind state suite filing_number',
    'seals.seal_certificate: seal_id certificate_pem above encrypted_key',
    'seals.seal_code: seal_id organ matter_id act identifier blank_number duplicate_blanks',
    'seals.seal_code_key: seal_id certificate_pem encrypted_key',
    'seals.seal_event: seal_id event matter_id',
    'seals.seal_grant: seal_id matter_id',
    'seals.seal_picture: seal_id digest png',
    'seals.seal_use: seal_id organ matter_id act identifier blank_number duplicate_blanks suite',
    'seals.seal_application: kind organ seal_id',
    'seals.seal_application_outcome: outcome',
    'seals.seal_application_picture: png',
    'seals.log_key: origin public_key_pem encrypted_key',
    'matters.delegation: matter_id mode city_organ county_organ running_cases',
    'matters.industry_organ: matter_id level organ',
    'matters.matter: id main_item sub_item name power_type city_organ county_organ printed corrections flags',
    'matters.organ: id name level division_code uscc document_mark',
    'matters.legal_basis: matter_id text source',
    'matters.outcome: matter_id license_action outcome',
    'matters.delegation_change: matter_id running_cases fields',
    'matters.delegation_import: basis digest',
    'matters.guide_overlay: matter_id division_code overlay digest',
    'matters.guide_version: matter_id guide digest',
    'matters.import_file: file differences',
    'matters.license_type_version: code type digest',
    'licenses.license_type: code fact',
    'matters.proposal: kind organ',
    'matters.proposal_outcome: outcome',
    'matters.task: task',
    'matters.task_report: state organ',
  ],
};

interface Snapshot {
  tables: Record<string, { name: string; columns: Record<string, { name: string; type: string }> }>;
}

/** Returns the text, JSON and binary columns of a subgraph, by its newest migration. */
function listColumns(schema: string): string[] {
  const folder = new URL(`../../db/migrations/${schema}/meta/`, import.meta.url);
  const newest =
    readdirSync(folder)
      .filter((name) => name.endsWith('_snapshot.json'))
      .sort()
      .at(-1) ?? '';
  const { tables } = JSON.parse(readFileSync(new URL(newest, folder), 'utf8')) as Snapshot;
  return Object.values(tables).flatMap(({ name: table, columns }) =>
    Object.values(columns)
      .filter(({ type }) => /text|json|bytea|char/.test(type))
      .map(({ name }) => `${schema}.${table}.${name}`),
  );
}

const ROWS = Object.values(FATES)
  .flat()
  .flatMap((row) => {
    const [table, columns = ''] = row.split(': ');
    return columns.split(' ').map((column) => `${table}.${column}`);
  });

test('every column that may hold data of a person says what an erasure does with it', () => {
  const columns = ['cases', 'licenses', 'seals', 'matters'].flatMap(listColumns);
  expect(columns.filter((column) => !ROWS.includes(column))).toEqual([]);
  expect(ROWS.filter((row) => !columns.includes(row))).toEqual([]);
  expect(ROWS.filter((row, i) => ROWS.indexOf(row) !== i)).toEqual([]);
});
