import { toCanonicalJson } from '../../../subgraphs/kernel/events/events.ts';
import type { LicenseTypeVersion, PublishedLicenseType } from '../../../subgraphs/kernel/license-type/type.ts';
import { withLastDays } from '../../../subgraphs/matters/license-type/version.ts';
import { type AuditInput, buildFinding, type Finding, judgeEach, streamRows } from '../finding.ts';

/** A published version of a license type, with its columns. */
export interface TypeRow {
  code: string;
  version: number;
  type: LicenseTypeVersion;
  digest: string;
  publishedBy: string;
  publishedAt: Date;
  validFrom: string;
}

/** A version that was published within this time may still be on its way to those that keep copies. */
const IN_FLIGHT_MS = 60_000;

interface CopyRow {
  code: string;
  keeper: string;
  fact: PublishedLicenseType;
}

/**
 * Audits the copies of license types by which cases judge applications and terms, and licenses numbers, papers and what
 * is public: each must be what was published.
 */
export async function* auditCopies(
  { sql, now }: AuditInput,
  types: ReadonlyMap<string, TypeRow>,
): AsyncGenerator<Finding> {
  const rowsByCode = Map.groupBy(types.values(), ({ code }) => code);
  const copies = sql<CopyRow[]>`select code, 'cases' as keeper, fact from cases.license_type_fact
    union all select code, 'licenses', fact from licenses.license_type order by code, keeper`;
  const objectOf = (code: string) => `type:${code} ${rowsByCode.get(code)?.at(-1)?.version ?? 1}`;
  yield* judgeEach(
    streamRows(copies),
    ({ code }) => [objectOf(code)],
    function* judge({ code, keeper, fact }) {
      const published = rowsByCode.get(code) ?? [];
      const isOf = (rows: readonly TypeRow[]) =>
        toCanonicalJson(fact) === toCanonicalJson({ code, versions: withLastDays(rows) });
      const settled = published.filter(({ publishedAt }) => now.getTime() - publishedAt.getTime() >= IN_FLIGHT_MS);
      const mayBe = published.map((_, i) => published.slice(0, i + 1)).filter((rows) => rows.length >= settled.length);
      if (mayBe.some(isOf)) return;
      const differing = published.filter(({ version, type }) => {
        const copy = fact.versions.find((each) => each.version === version);
        return (
          copy === undefined ||
          toCanonicalJson({ ...copy, version: 0, validTo: null }) !==
            toCanonicalJson({ ...type, version: 0, validTo: null })
        );
      });
      const objects =
        differing.length > 0 ? differing.map(({ version }) => `type:${code} ${version}`) : [objectOf(code)];
      for (const object of objects)
        yield buildFinding('TYPE_COPY_DIFFERS', object, `${keeper} 所用的证照类型与发布的不一致`);
    },
  );
}
