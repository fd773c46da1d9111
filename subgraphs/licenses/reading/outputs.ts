import { ALWAYS, type OutputRules } from '../../kernel/privacy/output-rules.ts';

/** How the texts of licenses are protected. */
export const LICENSE_OUTPUTS: OutputRules = {
  masksCodes: true,
  verbatim: {
    'masks its code itself': ['Holder.code'],
    'for a purpose, recorded': ['DisclosedField.label', 'DisclosedField.text'],
    'numbers that the hub or an office gives': [
      ...['License.number', 'LicenseStatus.number', 'LicenseChange.number', 'CertificateTask.licenseNumber'],
      ...['Rehearsal.number', 'Rehearsal.blankNumber', 'PaperCertificate.blankNumber', 'Blank.number'],
      ...['Blank.licenseType', 'BlankBox.licenseType'],
      ...['SupervisionOrder.number', 'Reading.number'],
    ],
    digests: [
      ...['Document.digest', 'Signature.digest', 'LicenseStatus.documentDigest', 'LicenseChange.documentDigest'],
      ...['LicenseChange.signatureDigest', 'Registration.digest', 'Registration.file'],
      ...['PaperRegistration.fileDigest', 'PaperRegistration.scanDigest'],
    ],
    'to be signed as they are': ['SignatureRequest.text', 'SignatureRequest.salt', 'SignatureRequest.challenge'],
    addresses: ['Document.url', 'Signature.url', 'LicenseVerification.evidence'],
  },
  staff: {
    'LicenseAct.actor': ALWAYS,
    'LicenseAct.preparedBy': ALWAYS,
    'LicenseProposal.proposedBy': ALWAYS,
    'LicenseProposal.endedBy': ALWAYS,
    'BlankTransfer.proposedBy': ALWAYS,
    'BlankTransfer.endedBy': ALWAYS,
    'BlankTransfer.remark': ALWAYS,
    'PaperRegistration.proposedBy': ALWAYS,
    'PaperRegistration.approvedBy': ALWAYS,
    'Registration.proposedBy': ALWAYS,
    'Registration.endedBy': ALWAYS,
    'BlankBox.receivedBy': ALWAYS,
    'BlankMove.by': ALWAYS,
    'BlankMove.remark': ALWAYS,
    'SupervisionOrder.answeredBy': ALWAYS,
    'Reading.reader': ALWAYS,
    'Reading.readerId': ALWAYS,
    'Reading.remark': ALWAYS,
  },
};
