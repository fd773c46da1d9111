import { expect, test } from 'vitest';
import { readLicenseTypes } from '../../seeds/load.ts';
import { COLUMNS } from '../../subgraphs/licenses/registration/ledger.ts';
import { readLines } from '../../subgraphs/licenses/registration/line.ts';

/** Ledgers of existing paper that name several holders (共有). */

const issuer = {
  id: 'x',
  name: '示例机关',
  level: 'CITY' as const,
  uscc: '11000000000090018B',
  divisionCode: '360700',
};

function readLine(ownership: Record<string, string>, code = '11000000000090018B006') {
  const type = readLicenseTypes().find((one) => one.code === code);
  if (!type) throw new Error(code);
  const cells = {
    ...{ [COLUMNS.number]: '旧证1号', [COLUMNS.holder]: '李晓明', [COLUMNS.holderCode]: '11010519491231002X' },
    ...{ [COLUMNS.issuedOn]: '2019-03-05', [COLUMNS.validUntil]: '长期', ...ownership },
  };
  const scope = { issuer, type: { ...type, version: 1, validTo: null }, today: '2026-03-02' };
  const { licenses, problems } = readLines([{ line: 2, cells }], scope);
  return { license: licenses[0] ?? null, problems: problems.map((one) => `${one.code} ${one.column}`) };
}

const shared = (others: string, share = '1/2') => ({
  ...{ [COLUMNS.coOwnership]: '按份共有', [COLUMNS.share]: share, [COLUMNS.coHolders]: others },
});
const SECOND = 'Alexandra Sokolova|护照|USA-E12345678';

test('the other holders stand in one cell', () => {
  expect(readLine({}).license).not.toHaveProperty('coOwnership');
  expect(readLine(shared(`${SECOND}|25%；于都示范公司||91000000MA0000001R|１/４`)).license?.coOwnership).toEqual({
    kind: 'SHARES',
    share: '1/2',
    coHolders: [
      { name: 'Alexandra Sokolova', codeKind: 'PASSPORT', code: 'USA-E12345678', share: '1/4' },
      { name: '于都示范公司', codeKind: 'USCC', code: '91000000MA0000001R', share: '1/4' },
    ],
  });
  const joint = { [COLUMNS.coOwnership]: '共同共有', [COLUMNS.coHolders]: SECOND };
  expect(readLine(joint).license?.coOwnership).toMatchObject({ kind: 'JOINT', share: null });
});

test('each fault is one of its line, and the line is none of the licenses', () => {
  const faults: [Record<string, string>, string][] = [
    [shared(`${SECOND}|1/3`), `SHARES_NOT_WHOLE ${COLUMNS.coHolders}`],
    [shared('李晓明|居民身份证|11010519491231002X|1/2'), `HOLDER_TWICE ${COLUMNS.coHolders}`],
    [shared('只有姓名'), `FIELD_MALFORMED ${COLUMNS.coHolders}`],
    [shared('某人|驾驶证|1|1/2'), `VALUE_UNKNOWN ${COLUMNS.coHolders}`],
    [shared('某人|护照|E12345678|1/2'), `HOLDER_CODE_INVALID ${COLUMNS.coHolders}`],
    [{ [COLUMNS.coHolders]: `${SECOND}|1/2` }, `VALUE_MISSING ${COLUMNS.coOwnership}`],
    [{ [COLUMNS.coOwnership]: '按份共有' }, `VALUE_MISSING ${COLUMNS.coHolders}`],
    [{ ...shared(`${SECOND}|1/2`), [COLUMNS.coOwnership]: '平分' }, `VALUE_UNKNOWN ${COLUMNS.coOwnership}`],
  ];
  for (const [cells, fault] of faults) expect(readLine(cells)).toEqual({ license: null, problems: [fault] });
  // 林木采伐许可证 does not take several holders.
  expect(readLine(shared(`${SECOND}|1/2`), '11000000000090018B004').problems).toEqual([
    `CO_HOLDERS_NOT_TAKEN ${COLUMNS.coHolders}`,
  ]);
});
