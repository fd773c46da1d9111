import { LINE_GROUPS } from '../../kernel/license-type/line.ts';
import type { LicenseType, LicenseTypeVersion } from '../../kernel/license-type/type.ts';

/** How an issuer writes numbers. @public by codegen.ts */
export type NumberFormat = LicenseType['numberFormats'][number];

/** Shows the form of a type: its lines in groups. */
export function viewForm(licenseType: LicenseTypeVersion) {
  const linesByGroup = Map.groupBy(licenseType.lines, ({ group }) => group);
  const groups = LINE_GROUPS.flatMap((group) => {
    const lines = linesByGroup.get(group) ?? [];
    return lines.length === 0 ? [] : [{ group, lines }];
  });
  return { licenseType, groups };
}
