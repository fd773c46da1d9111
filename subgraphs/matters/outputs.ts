import { ALWAYS, type OutputRules } from '../kernel/privacy/output-rules.ts';

/** How the texts of matters are protected. Codes and telephone numbers are those of organs and counters: public. */
export const MATTER_OUTPUTS: OutputRules = {
  masksCodes: false,
  staff: {
    'DelegationImport.importedBy': ALWAYS,
    'ImportProposal.endedBy': ALWAYS,
    'ImportProposal.proposedBy': ALWAYS,
    'TaskProgress.by': ALWAYS,
    'TaskReport.by': ALWAYS,
  },
};
