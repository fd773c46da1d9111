import { sha256, toCanonicalJson } from '../../kernel/events/events.ts';
import type { Proposal } from '../../kernel/proposal/proposal.ts';
import type { Format } from '../guide/file.ts';
import type { PublicationResult } from '../guide/version.ts';
import type { MatterChange } from '../import/import.ts';
import type { TypePublication } from '../license-type/version.ts';

/**
 * Proposed imports (拟导入): a file of an administrator takes effect once another person approves exactly its bytes.
 */

/** The kinds of files, the mutation that proposes each, and its name. */
export const IMPORTS = {
  DELEGATIONS: { mutation: 'importDelegations', title: '下放事项清单' },
  GUIDE: { mutation: 'importGuide', title: '办事指南' },
  GUIDE_OVERLAY: { mutation: 'importGuideOverlay', title: '办事指南县级差异' },
  LICENSE_TYPE: { mutation: 'importLicenseType', title: '证照类型' },
  ORGANS: { mutation: 'importOrgans', title: '机构改革清单' },
} as const;
export type ImportKind = keyof typeof IMPORTS;

export type ImportProposal = Proposal<ImportKind>;

/** What a proposal holds of its file: the JSON text of it is stored. */
export interface ImportContent {
  /** SHA-256 of the file's text in UTF-8, hex. */
  digest: string;
  /** DELEGATIONS and ORGANS: the document that orders the change (依据). */
  basis: string | null;
  /** GUIDE and GUIDE_OVERLAY. */
  format: Format | null;
  /** SHA-256 of the effect that the proposer and the decider read, hex. */
  effectDigest: string;
  /** Number of lines or entries that change something, and of lines that do not. */
  changed: number;
  unchanged: number;
}

/** What an import changes, in sentences, one for each changed value. */
export interface ImportEffect {
  differences: readonly string[];
  changed: number;
  unchanged: number;
}

export function computeEffectDigest({ differences, changed, unchanged }: ImportEffect): string {
  return sha256(toCanonicalJson({ differences, changed, unchanged }));
}

/** Describes the changes of a list, one sentence for each changed value. */
export function describeList(changes: readonly MatterChange[], unchanged: number): ImportEffect {
  const differences = changes.flatMap(({ line, matterId, validFrom, runningCases, fields }) =>
    fields.map(({ field, before, after, validTo }) => {
      const period = `自 ${validFrom} 起${validTo === null ? '' : `至 ${validTo}`}`;
      const cases = runningCases === null ? '' : `，在办件${runningCases === 'FOLLOW' ? '随转' : '不随转'}`;
      return `第 ${line} 行 ${matterId} ${period}：${field} 由 ${before ?? '（无）'} 改为 ${after ?? '（无）'}${cases}`;
    }),
  );
  return { differences, changed: changes.length, unchanged };
}

/** Describes a publication: which guide it is, how much it holds, and each difference. */
export function describeGuide({ guide: inForce, revision, differences, lapsed }: PublicationResult): ImportEffect {
  const { version, validFrom, divisionCode, guide } = inForce;
  const county = divisionCode === null ? '' : `${divisionCode} 第 ${revision} 次县级差异，`;
  const counts = [
    `条件 ${guide.conditions.length} 项`,
    `环节 ${guide.steps.length} 项`,
    `材料 ${guide.materials.length} 项`,
    `收费 ${guide.fees.length} 项`,
  ];
  const head = `${guide.matterId} 办事指南第 ${version} 版，${county}自 ${validFrom} 起：${counts.join('，')}`;
  const lapses = lapsed.map((lapse) => `${lapse.divisionCode} 的县级差异不再延续：${lapse.reasons.join('；')}`);
  return { differences: [head, ...differences.map(({ text }) => text), ...lapses], changed: 1, unchanged: 0 };
}

/** Describes the publication of a license type: which version it is, and each difference. */
export function describeType({ licenseType, differences }: TypePublication): ImportEffect {
  const { code, name, version, validFrom } = licenseType;
  const head = `${code} ${name} 第 ${version} 版，自 ${validFrom} 起`;
  return { differences: [head, ...differences.map(({ text }) => text)], changed: 1, unchanged: 0 };
}
