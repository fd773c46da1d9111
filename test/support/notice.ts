import type { NoticeCase } from '../../subgraphs/cases/notice/notice.ts';
import type { OrganFact } from '../../subgraphs/kernel/events/events.ts';

/** A sample case for the documents of a case, and its organs. */

export const buildOrgan = (id: string, name: string, level: OrganFact['level'], divisionCode: string): OrganFact => ({
  id,
  name,
  level,
  divisionCode,
  uscc: '11000000000000190T',
});
export const COUNTY_ORGAN = buildOrgan('yudu-sjj', '于都县市场监督管理局', 'COUNTY', '360731');
export const CITY_ORGAN = buildOrgan('ganzhou-xzspj', '赣州市行政审批局', 'CITY', '360700');
export const UNKNOWN_ORGAN = buildOrgan('elsewhere', '示范机关', 'COUNTY', '000000');

const assignTo = (name: string, overrides: { window?: boolean } = {}) => ({
  organ: name,
  second: null,
  window: false,
  reason: '实施方案二',
  ...overrides,
});

/** Builds a company's case at the county's window, decided by the city. It ends in the document `outcome`, if given. */
export function buildNoticeCase(
  powerType: 'LICENSE' | 'CONFIRMATION' | 'FILING' | 'OTHER' = 'LICENSE',
  outcome?: string,
): NoticeCase {
  const assignments = {
    accepts: assignTo(COUNTY_ORGAN.id, { window: true }),
    examines: assignTo(COUNTY_ORGAN.id),
    decides: assignTo(CITY_ORGAN.id),
    seals: assignTo(CITY_ORGAN.id),
    liable: assignTo(CITY_ORGAN.id),
    supervises: assignTo(CITY_ORGAN.id),
  };
  return {
    id: '0198d0d4-0000-7000-8000-000000000001',
    number: '3607312026112000001',
    matter: {
      matterId: 'yd2022-2-30',
      mainItem: '特种设备使用登记',
      subItem: null,
      name: '特种设备使用登记',
      powerType,
      delegations: [],
      organs: [COUNTY_ORGAN, CITY_ORGAN, UNKNOWN_ORGAN],
    },
    delegation: {
      mode: 'SUBSTANTIVE_REVIEW',
      validFrom: null,
      validTo: null,
      cityOrgan: CITY_ORGAN.id,
      countyOrgan: COUNTY_ORGAN.id,
      industry: { city: null, county: null },
      runningCases: 'FOLLOW',
      licenseAction: null,
      outcome: {
        kind: outcome === undefined ? 'LICENSE' : 'DECISION',
        name: outcome ?? '特种设备使用登记证',
        licenseType: null,
        validityMonths: null,
      },
      ...assignments,
    },
    act: null,
    applicant: { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' },
    fields: [{ label: '设备名称', text: '电梯（示范）' }],
    steps: [{ at: new Date('2026-11-20T02:00:00Z') }],
  };
}
