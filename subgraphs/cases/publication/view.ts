import { LICENSE_STATE_LABELS } from '../../kernel/license-acts.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import type { CsvCell } from '../../kernel/list/csv-text.ts';
import type { CounterpartKind, PublicationWithdrawal } from './publication.ts';
import type { PublicationRow } from './workflow.ts';

/** Returns a published decision as the graph shows it. */
export function viewPublicDecision({ issuedAt: _, serial: __, licenseKey, organId, ...row }: PublicationRow) {
  return { ...row, licenseNumber: licenseKey && printedNumber(licenseKey), organ: { id: organId } };
}

type View = ReturnType<typeof viewPublicDecision>;

const KIND_LABELS: Record<CounterpartKind, string> = {
  ORGANISATION: '法人及非法人组织',
  INDIVIDUAL_BUSINESS: '个体工商户',
  NATURAL_PERSON: '自然人',
};
const WITHDRAWAL_LABELS: Record<PublicationWithdrawal, string> = {
  CORRECTED: '已更正',
  VOIDED: '已作废',
  ERASED: '已删除',
};

/** The columns of the national form (行政许可信息公示), then the days and the matter. The plan names no 许可类别. */
const COLUMNS: readonly [string, (view: View) => CsvCell][] = [
  ['行政相对人名称', (view) => view.counterpartName],
  ['行政相对人类别', (view) => view.counterpartKind && KIND_LABELS[view.counterpartKind]],
  ['行政相对人代码_1(统一社会信用代码)', (view) => view.counterpartCode],
  ['法定代表人', (view) => view.legalRepresentative],
  ['许可文书名称', (view) => view.documentName],
  ['许可文书号', (view) => view.documentNumber],
  ['许可类别', () => null],
  ['许可证书名称', (view) => view.licenseName],
  ['许可编号', (view) => view.licenseNumber],
  ['许可内容', (view) => view.content],
  ['有效期自', (view) => view.validFrom],
  ['有效期至', (view) => view.validUntil ?? (view.validFrom && '长期')],
  ['许可机关', (view) => view.organName],
  ['许可机关统一社会信用代码', (view) => view.organCode],
  ['许可决定日期', (view) => view.decidedOn],
  ['当前状态', stateLabel],
  ['数据来源单位', (view) => view.organName],
  ['数据来源单位统一社会信用代码', (view) => view.organCode],
  ['事项名称', (view) => view.matterName],
  ['公示期限', (view) => view.dueOn],
  ['公示日期', (view) => view.publishedOn],
];

function stateLabel({ withdrawal, state }: View): string | null {
  if (withdrawal !== null) return WITHDRAWAL_LABELS[withdrawal];
  return state && LICENSE_STATE_LABELS[state];
}

/** Returns the lines of a table for a spreadsheet, the heading first. */
export function toLines(rows: readonly PublicationRow[]): CsvCell[][] {
  const views = rows.map(viewPublicDecision);
  return [COLUMNS.map(([name]) => name), ...views.map((view) => COLUMNS.map(([, readCell]) => readCell(view)))];
}
