import type { Database } from '../../../db/client.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import { writeNumber } from '../../kernel/license-type/number.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { getOutcome, type Matter } from '../matter.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { situationResolvers } from '../situation/resolvers.ts';
import * as store from './store.ts';
import { type PublishedVersion, parseTypeId, selectVersion, versionIdOf } from './version.ts';
import { viewForm } from './view.ts';

/** What the example of a number format says. */
const EXAMPLE = { divisionCode: '360731', running: 1 };

/** Resolvers of license types. Reading is public. */
export function licenseTypeResolvers({ db, now }: { db: Database; now: Clock }) {
  const find = async (context: GraphContext, text: string, on: Day): Promise<LicenseTypeVersion | null> => {
    const id = parseTypeId(text);
    const versions = await getLoader<PublishedVersion[]>(context, 'license types', (codes) =>
      store.findVersions(db, codes),
    ).load(id.code);
    return selectVersion(versions ?? [], id, on);
  };
  const findOfMatter = async (context: GraphContext, matter: Matter, on: Day) => {
    const { licenseType } = getOutcome(matter, on).outcome;
    return licenseType === null ? null : find(context, licenseType, on);
  };
  const situations = situationResolvers({ db, now }, find);
  return {
    Query: {
      licenseTypes: async (_, { on, ...args }) => {
        const day = on ?? dayOf(now());
        const page = await store.listCodes(db, day, readPage(args, store.TYPE_ORDER));
        const versions = await store.findVersions(
          db,
          page.rows.map(({ code }) => code),
        );
        return toConnection(page, store.TYPE_ORDER, ({ code }) => {
          const i = page.rows.findIndex((row) => row.code === code);
          const type = selectVersion(versions[i] ?? [], { code, version: null }, day);
          if (!type) throw new Error(`no version of ${code} on ${day}`);
          return type;
        });
      },
      licenseType: (_, { code, on }, context) => find(context, code, on ?? dayOf(now())),
    },
    Matter: {
      ...situations.Matter,
      licenseType: (matter, { on }, context) => findOfMatter(context, matter, on ?? dayOf(now())),
      form: async (matter, { on }, context) => {
        const type = await findOfMatter(context, matter, on ?? dayOf(now()));
        return type && viewForm(type);
      },
    },
    LicenseType: {
      id: versionIdOf,
      coHolders: ({ coHolders }) => coHolders ?? false,
      __resolveReference: ({ id }, context) => find(context, id, dayOf(now())),
    },
    LicenseNumberFormat: {
      example: ({ template }) => writeNumber(template, { ...EXAMPLE, day: dayOf(now()) }),
    },
  } satisfies Resolvers;
}
