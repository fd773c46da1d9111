import { listFileFormats } from '../../kernel/events/guide-fact.ts';
import { type GuideInForce, type GuideVersion, listLapsed, readVersion } from './version.ts';

/** A guide as GraphQL shows it: for the city or a county, with its period. @public by codegen.ts */
export type GuideView = ReturnType<typeof viewGuide>;

export function viewGuide({ guide, ...period }: GuideInForce) {
  const materials = guide.materials.map((material) => ({
    ...material,
    formats: listFileFormats(material),
    situations: material.situations ?? null,
  }));
  return { ...guide, materials, situations: guide.situations ?? null, ...period };
}

/** A version as GraphQL shows it. @public by codegen.ts */
export type VersionView = ReturnType<typeof viewVersion>;

/** Shows a version with every overlay. `versions` are all versions of the matter. */
export function viewVersion(versions: readonly GuideVersion[], version: GuideVersion) {
  return {
    id: `${version.guide.matterId}/${version.version}`,
    guide: viewGuide(readVersion(versions, version, null)),
    publishedAt: version.publishedAt,
    digest: version.digest,
    overlays: version.overlays.map((overlay) => ({
      ...overlay,
      differences: readVersion(versions, version, overlay).differences,
    })),
    lapsed: listLapsed(versions, version),
  };
}
