import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LicenseFact } from '../../subgraphs/cases/case.ts';
import {
  MAX_MATERIALS,
  requireAllMaterials,
  requireLicenseMaterial,
  requireMaterials,
  type SubmittedMaterial,
} from '../../subgraphs/cases/material/material.ts';
import { requireFields } from '../../subgraphs/cases/reception/application.ts';
import type { GuideFact } from '../../subgraphs/kernel/events/guide-fact.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';

const TYPE = '11100000000013338W011';
const HOLDER = '91000000MA0000001R';
const identifierOf = (version: number) =>
  writeLicenseIdentifier({ type: TYPE, issuer: '11430000006122244L', serial: '36073120260001', version });
const IDENTIFIERS: Readonly<Record<string, string>> = {
  GOOD: identifierOf(1),
  BAD: identifierOf(1).replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
};

const materialDefaults = { copies: 1, required: true, licenseType: null };
/** The guide that every vector uses. */
const GUIDE: GuideFact = {
  materials: [
    { ...materialDefaults, code: 'A', name: '申请表', form: 'ORIGINAL', copies: 2 },
    { ...materialDefaults, code: 'B', name: '营业执照', form: 'COPY', licenseType: TYPE },
    { ...materialDefaults, code: 'C', name: '身份证', form: 'ORIGINAL_SEEN' },
    { ...materialDefaults, code: 'D', name: '照片', form: 'ELECTRONIC' },
    { ...materialDefaults, code: 'E', name: '旧证', form: 'ORIGINAL', required: false, licenseType: TYPE },
  ],
  steps: [],
  statutoryDays: null,
  promisedDays: null,
};

interface Vector {
  why?: string;
  /** The expected refusal code. */
  code?: string;
  guide?: false;
  atCounter: boolean;
  given: Partial<SubmittedMaterial>[];
  codes: string[];
  names: string;
  /** License vectors: the day, and what differs from a license in force. */
  today: string;
  state?: LicenseFact['state'];
  version?: number;
  applicant?: string;
  known?: false;
  type?: string;
  license?: Partial<LicenseFact['license']>;
}

/** Returns the vectors of one kind. Each file is named `<kind>.<rule>.json`. */
function vectors(folder: 'valid' | 'invalid', kind: string) {
  const folderUrl = new URL(`../vectors/${folder}/`, import.meta.url);
  const files = readdirSync(folderUrl).filter((file) => file.startsWith(`${kind}.`));
  return files.flatMap((file) => {
    const parsed = JSON.parse(readFileSync(new URL(file, folderUrl), 'utf8')) as Vector[];
    return parsed.map((vector, i) => ({ ...vector, name: `${file} ${i + 1} ${vector.why ?? ''}` }));
  });
}

function refusalOf(run: () => unknown): Refusal | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

const toMaterial = (input: Partial<SubmittedMaterial>): SubmittedMaterial => ({
  code: input.code ?? '',
  upload: input.upload ?? null,
  license: input.license == null ? null : (IDENTIFIERS[input.license] ?? input.license),
  paper: input.paper ?? false,
  copies: input.copies ?? null,
});

describe('the form check', () => {
  const check = (vector: Vector) =>
    refusalOf(() =>
      requireMaterials(vector.guide === false ? null : GUIDE, vector.given.map(toMaterial), vector.atCounter),
    );
  test.each(vectors('valid', 'material'))('valid: $name', (vector) => expect(check(vector)).toBeNull());
  test.each(vectors('invalid', 'material'))('invalid: $name', (vector) =>
    expect(check(vector)?.code).toBe(vector.code),
  );

  test('names the material and what the guide requires', () => {
    const formRefusal = refusalOf(() => requireMaterials(GUIDE, [toMaterial({ code: 'D', paper: true })], true));
    expect(formRefusal?.message).toBe('材料形式不符合办事指南要求：照片须提交电子件。');
    const copiesRefusal = refusalOf(() => requireMaterials(GUIDE, [toMaterial({ code: 'A', paper: true })], true));
    expect(copiesRefusal?.message).toBe('材料份数不足：申请表须 2 份。');
  });

  test('a refusal about one item of a list names its position', () => {
    const twice = [toMaterial({ code: 'A', paper: true }), toMaterial({ code: 'A', paper: true })];
    expect(refusalOf(() => requireMaterials(null, twice, true))?.field).toBe('materials[1].code');
    const line = { label: '数量', text: '3' };
    expect(
      refusalOf(() => requireFields([line, { ...line, label: '单位' }, { label: '总量', text: '' }], 'APPLICATION'))
        ?.field,
    ).toBe('fields[2].text');
    expect(refusalOf(() => requireFields([line, { ...line, label: '' }], 'APPLICATION'))?.field).toBe(
      'fields[1].label',
    );
    expect(refusalOf(() => requireFields([line, line], 'APPLICATION'))?.field).toBe('fields[1].label');
    expect(refusalOf(() => requireFields([{ ...line, text: '' }], 'AMENDMENT'))).toBeNull();
  });

  test(`accepts at most ${MAX_MATERIALS} materials`, () => {
    const materials = Array.from({ length: MAX_MATERIALS + 1 }, (_, i) =>
      toMaterial({ code: `材料${i}`, upload: 'u' }),
    );
    expect(refusalOf(() => requireMaterials(null, materials, false))?.code).toBe('FIELD_TOO_LONG');
    expect(requireMaterials(null, materials.slice(1), false)).toHaveLength(MAX_MATERIALS);
  });

  test('returns each material with its name from the guide, in the given order', () => {
    const materials = [toMaterial({ code: 'B', license: 'GOOD' }), toMaterial({ code: 'A', paper: true, copies: 2 })];
    expect(requireMaterials(GUIDE, materials, true)).toMatchObject([
      { code: 'B', name: '营业执照', kind: 'LICENSE', license: IDENTIFIERS.GOOD },
      { code: 'A', name: '申请表', kind: 'PAPER', copies: 2 },
    ]);
  });
});

describe('completeness', () => {
  test.each(vectors('valid', 'material-completeness'))('valid: $name', ({ codes }) => {
    expect(refusalOf(() => requireAllMaterials(GUIDE, codes))).toBeNull();
  });
  test.each(vectors('invalid', 'material-completeness'))('invalid: $name', ({ codes, code, names }) => {
    const refusal = refusalOf(() => requireAllMaterials(GUIDE, codes));
    expect([refusal?.code, refusal?.message]).toEqual([code, `缺少必需的申请材料：${names}。`]);
  });
});

describe('a license as a material', () => {
  const check = (vector: Vector) => {
    const fact = {
      act: 'ISSUE',
      number: '36073120260001',
      identifier: identifierOf(vector.version ?? 1),
      version: vector.version ?? 1,
      state: vector.state ?? 'VALID',
      caseId: null,
      orderId: null,
      documentDigest: '',
      signatureDigest: '',
      changedAt: '2025-01-01T00:00:00Z',
      license: {
        matterId: 'm',
        licenseName: '营业执照',
        licenseType: TYPE,
        holder: { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: HOLDER },
        fields: [],
        validFrom: '2025-01-01',
        termFrom: null,
        validUntil: '2029-12-31',
        ...vector.license,
      },
      earlier: null,
    } as const satisfies LicenseFact;
    const material = {
      code: 'B',
      name: '营业执照',
      kind: 'LICENSE',
      license: identifierOf(1),
      requirement:
        vector.type === undefined
          ? null
          : { ...materialDefaults, code: 'B', name: '营业执照', form: 'COPY' as const, licenseType: vector.type },
    } as const;
    const applicant = vector.applicant ?? HOLDER;
    return () =>
      requireLicenseMaterial(
        material,
        vector.known === false ? null : fact,
        applicant,
        vector.today,
        'materials[0].license',
      );
  };
  test.each(vectors('valid', 'material-license'))('valid: $name', (vector) => {
    expect(check(vector)()).toEqual({ identifier: identifierOf(1), version: 1, state: 'VALID' });
  });
  test.each(vectors('invalid', 'material-license'))('invalid: $name', (vector) => {
    expect(refusalOf(check(vector))?.code).toBe(vector.code);
  });
});
