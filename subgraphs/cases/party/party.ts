import type { Day } from '../../kernel/day.ts';
import { type Agency, requireAuthorised } from '../../kernel/delivery/agent.ts';
import { MAX_RECIPIENT_CHARS, type Service } from '../../kernel/delivery/delivery.ts';
import type { Holder } from '../../kernel/events/events.ts';
import { isPersonKind } from '../../kernel/identity/identity.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';
import { requireIdentity } from '../reception/name.ts';

/** Who acts for an applicant (代办人), and where papers reach the applicant (送达地址). Pure. */

const MAX_ADDRESS_CHARS = 200;
/** A number with an area code and an extension, as people write it; blanks are taken out before. */
const PHONE = /^\+?\d[\d-]{4,18}\d(转\d{1,6})?$/;

/** Somebody who acts for the applicant, known by a code as the applicant is. */
export type Agent = Agency & Holder & { phone: string };

/** Where papers reach the applicant (送达地址确认). */
export interface Contact {
  /** Who receives there, or null: the applicant. */
  recipient: string | null;
  phone: string;
  address: string;
}

/** The parts of a case that say who acts for the applicant and where papers go. */
export interface Parties {
  applicant: Holder;
  agent: Agent | null;
  contact: Contact | null;
}

/** Returns a telephone number as it is kept: half width, without blanks. */
export const normalisePhone = (text: string): string => text.normalize('NFKC').replace(/\s+/gu, '');

/**
 * Checks an agent against the applicant. Refuses FIELD_TOO_LONG, FIELD_MALFORMED, NAME_DOT_WRONG, HOLDER_CODE_INVALID,
 * and AGENT_NOT_AUTHORISED if the authorisation has ended.
 */
export function requireAgent(agent: Agent | null, applicant: Holder, today: Day): void {
  if (agent === null) return;
  const { codeKind, phone, authority } = agent;
  checkAll(
    () => requireIdentity(agent, 'agent', today),
    () => requirePhone(phone, 'agent.phone'),
    () => {
      if (authority === 'GUARDIAN' && !isPersonKind(applicant.codeKind))
        throw new Refusal('FIELD_MALFORMED', 'agent.authority', '只有自然人有法定监护人');
    },
    () => {
      if (authority !== 'LEGAL_REPRESENTATIVE') return;
      if (isPersonKind(applicant.codeKind))
        throw new Refusal('FIELD_MALFORMED', 'agent.authority', '只有法人和其他组织有法定代表人');
      if (!isPersonKind(codeKind)) throw new Refusal('FIELD_MALFORMED', 'agent.codeKind', '法定代表人是自然人');
    },
    () => requireAuthorised(agent, today, null, 'agent.until'),
  );
}

/** Refuses AGENT_NOT_AUTHORISED if the agent of a case may not act on a day. */
export function requireAgentOn({ agent }: Pick<Parties, 'agent'>, today: Day): void {
  if (agent !== null) requireAuthorised(agent, today, null, 'agent');
}

/** Checks an address for service. Refuses FIELD_TOO_LONG, FIELD_MALFORMED. */
export function requireContact(contact: Contact | null): void {
  if (contact === null) return;
  const { recipient, phone, address } = contact;
  checkAll(
    () => recipient !== null && requireLine(recipient, MAX_RECIPIENT_CHARS, 'contact.recipient'),
    () => requirePhone(phone, 'contact.phone'),
    () => requireLine(address, MAX_ADDRESS_CHARS, 'contact.address'),
  );
}

function requirePhone(phone: string, field: string): void {
  if (!PHONE.test(phone)) throw new Refusal('FIELD_MALFORMED', field, '应为 11 位手机号码，或者带区号的电话号码');
}

/** Returns an authorisation without codes and numbers, as steps, papers and other counters have it. */
const agencyOf = ({ name, authority, until, acts }: Agent): Agency => ({ name, authority, until, acts });

/** Returns whom the papers of a case reach besides the applicant, or null: nobody. */
export function serviceOf({ agent, contact }: Parties): Service | null {
  if (agent === null && contact === null) return null;
  return { agent: agent && agencyOf(agent), recipient: contact?.recipient ?? null };
}

/** What a supplement says of agent and address. Null: unchanged. */
export interface PartyChanges {
  agent: Agent | null;
  contact: Contact | null;
  /** Whether nobody acts for the applicant any more. */
  removesAgent: boolean;
}

/**
 * Returns who acts for the applicant and where papers go since a supplement. Refuses as `requireAgent` and
 * `requireContact` do, and AGENT_NOT_AUTHORISED for an agent who stays although the authorisation has ended.
 */
export function applyPartyChanges(
  { applicant, ...standing }: Parties,
  changes: PartyChanges,
  today: Day,
): Omit<Parties, 'applicant'> {
  const agent = changes.removesAgent ? null : (changes.agent ?? standing.agent);
  checkAll(
    () => {
      if (changes.removesAgent && changes.agent !== null)
        throw new Refusal('FIELD_MALFORMED', 'removesAgent', '撤销和更换代办人只能选一种');
    },
    () => (changes.agent === null ? requireAgentOn({ agent }, today) : requireAgent(changes.agent, applicant, today)),
    () => requireContact(changes.contact),
  );
  return { agent, contact: changes.contact ?? standing.contact };
}

/** Returns what a step keeps of such changes: no code, no number and no address. Null without a change. */
export function toPartyData({ agent, contact, removesAgent }: PartyChanges) {
  if (agent === null && contact === null && !removesAgent) return null;
  return {
    ...(agent !== null || removesAgent ? { agent: agent && agencyOf(agent) } : {}),
    ...(contact === null ? {} : { changesContact: true as const }),
  };
}
