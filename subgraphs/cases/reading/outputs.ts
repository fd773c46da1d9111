import { ALWAYS, type OutputRules } from '../../kernel/privacy/output-rules.ts';

const isByOffice = ({ organ }: { organ: unknown }): boolean => organ !== null;

/** How the texts of cases are protected. */
export const CASE_OUTPUTS: OutputRules = {
  masksCodes: true,
  verbatim: {
    'to be signed as they are': ['SignatureRequest.text', 'SignatureRequest.salt', 'SignatureRequest.challenge'],
    'masks its code itself': [
      ...['Applicant.code', 'CoHolder.code', 'Agent.code', 'Agent.phone', 'Contact.phone', 'Contact.address'],
      'PublicDecision.content',
    ],
    'the public code of an organisation': ['PublicDecision.counterpartCode', 'PublicDecision.organCode'],
    'by which the issuer knows a member of the staff': ['Appointment.issuer', 'Appointment.subject'],
    'for a purpose, recorded': ['DisclosedField.label', 'DisclosedField.text'],
    'numbers that the hub or an office gives': [
      ...['Case.number', 'Case.licenseNumber', 'CaseNotice.number', 'RunningCase.number', 'Reading.number'],
      ...['PublicDecision.documentNumber', 'PublicDecision.licenseNumber'],
      ...['SupervisionFinding.licenseNumber', 'MaterialRead.caseNumber', 'Agreement.number', 'AttentionItem.agreement'],
    ],
    'digests and keys': [
      ...['CaseNotice.contentDigest', 'Agreement.scanDigest', 'PlatformKey.publicKey', 'PlatformMessage.digest'],
      ...['SupervisionFinding.papers', 'MaterialFile.digest', 'Upload.digest', 'ProposalPayload.secret'],
    ],
    'evidence, as it was signed: for administrators and auditors': [
      ...['PlatformMessage.body', 'PlatformMessage.signature', 'PlatformMessage.answer'],
    ],
    addresses: [
      ...['CaseNotice.url', 'CaseNoticeSignature.url', 'Platform.url', 'Platform.audience', 'Webhook.url'],
      ...['MaterialFile.url', 'Upload.url'],
    ],
    'an act of administration, exactly as it was proposed': ['Proposal.content'],
  },
  staff: {
    'Appointment.name': ALWAYS,
    'Appointment.subject': ALWAYS,
    'Appointment.proposedBy': ALWAYS,
    'Appointment.approvedBy': ALWAYS,
    'CaseStepRecord.actor': isByOffice,
    'CaseMaterial.addedBy': isByOffice,
    'HolderConsent.recordedBy': ALWAYS,
    'Agreement.recordedBy': ALWAYS,
    'Proposal.proposedBy': ALWAYS,
    'Proposal.endedBy': ALWAYS,
    'ApprovalPush.claimedBy': ALWAYS,
    'ApprovalPush.signedBy': ALWAYS,
    'SupervisionReceipt.actor': ALWAYS,
    'SupervisionFinding.recordedBy': ALWAYS,
    'SupervisionFinding.acknowledgedBy': ALWAYS,
    'Webhook.registeredBy': ALWAYS,
    'DutyException.approvedBy': ALWAYS,
    'DutyException.endedBy': ALWAYS,
    'DutyException.personId': ALWAYS,
    'DutyException.proposedBy': ALWAYS,
    'MaterialRead.reader': ALWAYS,
    'MaterialRead.readerId': ALWAYS,
    'MaterialRead.remark': ALWAYS,
    'Reading.reader': ALWAYS,
    'Reading.readerId': ALWAYS,
    'Reading.remark': ALWAYS,
  },
};
