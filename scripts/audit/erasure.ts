import type { LicenseRecord } from '../../subgraphs/licenses/act/record.ts';
import { ERASED_TEXT } from '../erase/erase.ts';
import type { Finding } from './finding.ts';

interface ErasedRow {
  record: object;
  file: Buffer | null;
  contentDigest: string;
  usedContent: string | null;
}

/**
 * Checks an act whose content was erased by law (合法删除): nothing of it is left. Else somebody recorded an erasure to
 * hide what was altered. Its use of the seal keeps its digests, which the log proves.
 */
export function* judgeErased(
  row: ErasedRow,
  findingsFor: (code: string, detail: string) => Finding[],
): Generator<Finding> {
  const record = row.record as Partial<LicenseRecord> & { SM?: string };
  const isLeft =
    row.file !== null ||
    record.KZ_SJS !== undefined ||
    (record.CZZTDM ?? '') !== '' ||
    record.KZ_GY !== undefined ||
    (record.KZ_NR ?? []).length > 0 ||
    ![undefined, ERASED_TEXT].includes(record.SM) ||
    ![undefined, ERASED_TEXT].includes(record.CZZT);
  if (isLeft) yield* findingsFor('ERASURE_INCOMPLETE', '登记为已依法删除，内容仍在');
  if (row.usedContent !== row.contentDigest) yield* findingsFor('SIGNATURE_NOT_OF_USE', '与用印记录的内容不一致');
}
