import { expect, test } from 'vitest';
import { maskAddress, maskPhone } from '../../subgraphs/cases/party/mask.ts';
import {
  type Agent,
  applyPartyChanges,
  type Parties,
  serviceOf,
  toPartyData,
} from '../../subgraphs/cases/party/party.ts';

/** Who acts for an applicant, and where papers go: what others see of it, and what a supplement makes of it. */

const TODAY = '2026-03-02';
const APPLICANT = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' } as const;
const AGENT: Agent = {
  ...{ name: '赵代办', codeKind: 'PASSPORT', code: 'USA-E12345678', phone: '13800001234' },
  ...{ authority: 'MANDATE', until: '2026-03-01', acts: [] },
};
const standing: Parties = { applicant: APPLICANT, agent: AGENT, contact: null };
const UNCHANGED = { agent: null, contact: null, removesAgent: false };

test.each([
  ['13800001234', '138****1234'],
  ['+8613800001234', '+86138****1234'],
  ['0797-6330000', '**********00'],
  ['0797-6330000转12', '*************12'],
])('of the telephone number %s others see %s', (phone, masked) => {
  expect(maskPhone(phone)).toBe(masked);
});

test.each([
  ['江西省赣州市于都县贡江镇示范路1号', '江西省赣州市于都县****'],
  ['北京市海淀区中关村1号', '北京市海淀区****'],
  ['内蒙古自治区呼伦贝尔市鄂温克族自治旗某镇', '内蒙古自治区呼伦贝尔市鄂温克族自治旗****'],
  ['贡江镇1号', '****'],
  ['PO Box 1', '****'],
])('of the address %s others see %s', (address, masked) => {
  expect(maskAddress(address)).toBe(masked);
});

test('a supplement leaves no agent in place whose authorisation has ended', () => {
  const apply = (changes: object) => applyPartyChanges(standing, { ...UNCHANGED, ...changes }, TODAY);
  const refusal = (field: string) => expect.objectContaining({ code: 'AGENT_NOT_AUTHORISED', field });
  expect(() => apply({})).toThrow(refusal('agent'));
  expect(() => apply({ agent: AGENT })).toThrow(refusal('agent.until'));
  expect(apply({ agent: { ...AGENT, until: TODAY } })).toEqual({ agent: { ...AGENT, until: TODAY }, contact: null });
  expect(apply({ removesAgent: true })).toEqual({ agent: null, contact: null });
});

test('steps and other counters get no code, number or address', () => {
  const contact = { recipient: '收发室', phone: '13800001234', address: '于都县一号' };
  const { name, authority, until, acts } = AGENT;
  const agency = { name, authority, until, acts };
  expect(toPartyData({ ...UNCHANGED, agent: standing.agent, contact })).toEqual({
    agent: agency,
    changesContact: true,
  });
  expect(toPartyData({ ...UNCHANGED, removesAgent: true })).toEqual({ agent: null });
  expect(toPartyData(UNCHANGED)).toBeNull();
  expect(serviceOf({ ...standing, contact })).toEqual({ agent: agency, recipient: '收发室' });
  expect(serviceOf({ ...standing, agent: null })).toBeNull();
});
