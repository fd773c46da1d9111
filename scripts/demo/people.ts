import { createHash, type KeyObject } from 'node:crypto';
import type { Person, Role } from '../../subgraphs/kernel/actor.ts';
import { writeToken } from '../../subgraphs/kernel/sealing/token.ts';

/** Invented people for trying the hub out. A real office uses its own identity provider. */

/** Lifetime of a demo token. */
const DEMO_TOKEN_LIFETIME_SECONDS = 12 * 60 * 60;

/** Role of each position that every organ fills. The key ends a person's id: `ganzhou-xzspj.approver`. */
const STAFF = {
  clerk: 'WINDOW_CLERK',
  reviewer: 'REVIEWER',
  approver: 'APPROVER',
  keeper: 'SEAL_KEEPER',
  sealapprover: 'SEAL_APPROVER',
  supervisor: 'SUPERVISOR',
} as const satisfies Record<string, Role>;

const personDefaults = { kind: 'person', organ: null, window: null, holderCode: null } as const;

/** People outside the standard positions of an organ: applicants, clerks at an integrated window (综合受理窗口), others. */
const NAMED_PEOPLE: readonly Person[] = [
  {
    ...personDefaults,
    id: 'applicant-company',
    name: '于都县贡江示范药业有限公司',
    roles: ['APPLICANT'],
    holderCode: '91000000MA0000001R',
  },
  {
    ...personDefaults,
    id: 'applicant-citizen',
    name: '李晓明',
    roles: ['APPLICANT'],
    holderCode: '11010519491231002X',
  },
  {
    ...personDefaults,
    id: 'window-yudu',
    name: '刘春兰',
    roles: ['WINDOW_CLERK'],
    organ: 'yudu-xzspj',
    window: '360731',
  },
  {
    ...personDefaults,
    id: 'window-xingguo',
    name: '钟国华',
    roles: ['WINDOW_CLERK'],
    organ: 'xingguo-xzspj',
    window: '360732',
  },
  { ...personDefaults, id: 'auditor', name: '审计员 陈立', roles: ['AUDITOR'] },
  { ...personDefaults, id: 'library', name: '市电子证照库', roles: ['LIBRARY'] },
  { ...personDefaults, id: 'administrator', name: '系统管理员 周敏', roles: ['ADMINISTRATOR'] },
  { ...personDefaults, id: 'administrator-deputy', name: '系统管理员 唐宁', roles: ['ADMINISTRATOR'] },
];

const SURNAMES = '王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗钟谢曾赖';
const GIVEN_NAMES = '志强建华丽娟国庆秀英文斌海燕晓东玉兰永红卫平春生思远';

/** Returns a demo person by id: one of NAMED_PEOPLE, or `<organ>.<position>`. Returns null if there is none. */
export function findDemoPerson(id: string): Person | null {
  const namedPerson = NAMED_PEOPLE.find((person) => person.id === id);
  if (namedPerson) return namedPerson;
  const [organ, position, ...extraParts] = id.split('.');
  if (!organ || extraParts.length > 0 || !isPosition(position)) return null;
  return { ...personDefaults, id, name: deriveName(id), roles: [STAFF[position]], organ };
}

/** Returns all demo people: the named ones, then the staff of each organ. */
export function listDemoPeople(organs: readonly string[]): Person[] {
  const staff = organs.flatMap((organ) => Object.keys(STAFF).map((position) => findDemoPerson(`${organ}.${position}`)));
  return [...NAMED_PEOPLE, ...staff.filter((person) => person !== null)];
}

function isPosition(text: string | undefined): text is keyof typeof STAFF {
  return text !== undefined && Object.hasOwn(STAFF, text);
}

/** Derives the name from the id. Licenses signed earlier then show a person who still exists. */
function deriveName(id: string): string {
  const digest = createHash('sha256').update(id).digest();
  const givenNameIndex = (digest.readUInt16BE(0) % (GIVEN_NAMES.length / 2)) * 2;
  return `${SURNAMES.charAt(digest.readUInt16BE(2) % SURNAMES.length)}${GIVEN_NAMES.slice(givenNameIndex, givenNameIndex + 2)}`;
}

/** Mints a person's token: a JWT signed with EdDSA. */
export function mintToken(
  person: Person,
  privateKey: KeyObject,
  now: Date,
  lifetimeSeconds: number = DEMO_TOKEN_LIFETIME_SECONDS,
): Promise<string> {
  return writeToken(person, privateKey, now, lifetimeSeconds);
}
