import { maskCode } from '../../kernel/identity/identity.ts';
import type { Agent, Contact } from './party.ts';

/** Masks telephone numbers and addresses, as `maskCode` masks codes. Pure. */

/** A mobile number of the mainland, with or without its country. */
const MOBILE = /^((?:\+?86)?1\d{2})\d{4}(\d{4})$/;

/** Masks a telephone number: of a mobile number the first three and last four digits stay, of others the last two. */
export function maskPhone(phone: string): string {
  const [, head = '', tail = phone.slice(-2)] = MOBILE.exec(phone) ?? [];
  return `${head}${'*'.repeat(phone.length - head.length - tail.length)}${tail}`;
}

/** The divisions with which an address begins, down to the county. */
const DIVISIONS = /^(?:\p{Script=Han}{2,9}?(?:特别行政区|自治区|自治州|自治县|省|市|地区|盟|州|县|区|旗))+/u;
const MAX_DIVISIONS_CHARS = 20;

/** Masks an address below its county. The length of what is hidden does not show. */
export function maskAddress(address: string): string {
  const [divisions = ''] = DIVISIONS.exec(address) ?? [];
  return `${[...divisions].length > MAX_DIVISIONS_CHARS ? '' : divisions}****`;
}

/** Returns agent and address for service with codes, numbers and address masked. */
export function maskParties({ agent, contact }: { agent: Agent | null; contact: Contact | null }) {
  return {
    agent: agent && { ...agent, code: maskCode(agent.code), phone: maskPhone(agent.phone) },
    contact: contact && { ...contact, phone: maskPhone(contact.phone), address: maskAddress(contact.address) },
  };
}
