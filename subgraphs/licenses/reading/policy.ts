import { readsOneOf } from '../../kernel/organ/place.ts';
import { ANYWHERE, type Place, type Policy } from '../../kernel/policy.ts';
import { READING_ROLES, SEARCHING_ROLES } from '../../kernel/privacy/purpose.ts';
import { Refusal } from '../../kernel/refusal.ts';

/** A license as the policy of disclosure sees it. */
interface VisibleLicense {
  parties: readonly string[];
  /** Division codes of the windows that accepted a case of it: the newest, and that of each case on it. */
  windows: readonly string[];
}

/** The organs and the window of the license. For everybody else it does not exist. */
const LICENSE_PARTIES: Place<VisibleLicense> = {
  name: 'LICENSE_PARTIES',
  includes: ({ parties, windows }, person) =>
    readsOneOf(person, parties) || (person.window !== null && windows.includes(person.window)),
  refuse: () => new Refusal('LICENSE_UNKNOWN', 'identifier'),
};

export const READING_POLICY: Policy<{ discloseHolder: VisibleLicense; findHolderLicenses: null }> = {
  /** 查阅代码: `requirePurpose` then says which role may give which purpose. */
  discloseHolder: {
    grants: [
      { roles: ['AUDITOR', 'LIBRARY'], place: ANYWHERE },
      { roles: READING_ROLES, place: LICENSE_PARTIES },
    ],
  },
  /** 按证件号码查找: it finds what the person may see. `requirePurpose` says which role may give which purpose. */
  findHolderLicenses: { grants: [{ roles: SEARCHING_ROLES, place: ANYWHERE }] },
};
