import { ALWAYS, type OutputRules } from '../kernel/privacy/output-rules.ts';

/** How the texts of seals are protected. */
export const SEAL_OUTPUTS: OutputRules = {
  masksCodes: true,
  verbatim: {
    'certificates and digests': [
      ...['Seal.certificate', 'Seal.certificateRequest', 'SealApplication.certificates', 'SealUse.documentDigest'],
    ],
    'numbers that an office gives': ['Seal.filingNumber'],
    addresses: ['Seal.picture'],
  },
  staff: {
    'SealApplication.appliedBy': ALWAYS,
    'SealApplication.endedBy': ALWAYS,
    'SealApplication.person': ALWAYS,
    'SealGrant.person': ALWAYS,
    'SealUse.authorisedBy': ALWAYS,
    'SealUse.authorisedById': ALWAYS,
  },
};
