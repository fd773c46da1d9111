import type { StartCheck } from './check.ts';

/** What a start in production needs, and what may not be mixed with it. */

/** Checks of how the hub is to run. Without a mode, as in `npm run resume`, they find nothing. */
export const PRODUCTION_CHECKS: readonly StartCheck[] = [
  {
    code: 'ISSUER_MISSING',
    compares: 'production with an issuer that says who people are',
    isResumable: false,
    ends: true,
    find: ({ mode }) =>
      mode?.isProduction && !mode.hasIssuer
        ? {
            zh: '正式运行（NODE_ENV=production）须设置身份认证服务 OIDC_ISSUER 和 OIDC_AUDIENCE，见 docs/sign-in.md',
            en: 'production needs OIDC_ISSUER and OIDC_AUDIENCE: see docs/sign-in.md',
          }
        : null,
  },
  {
    code: 'DEMONSTRATION_FOLDER',
    compares: 'production with a folder in which demo people, agreements or blanks were entered',
    isResumable: false,
    ends: true,
    find({ mode, folder: { folder, marker, secrets, hasDatabase, log } }) {
      if (!mode?.isProduction || marker === 'UNREADABLE') return null;
      const isUsed = secrets !== null || hasDatabase || log !== null || marker?.logKey !== undefined;
      const isDemonstration = marker?.demonstration ?? isUsed;
      if (!isDemonstration) return null;
      return {
        zh: `数据目录 ${folder} 用于演示，其中有示范人员、协议或空白证照：请改用新的数据目录，或先执行 npm run takeover`,
        en: 'the data folder is a demonstration: use a new one, or run npm run takeover first',
      };
    },
  },
  {
    code: 'PRODUCTION_FOLDER',
    compares: 'development with a folder of production',
    isResumable: false,
    ends: true,
    find({ mode, folder: { folder, marker } }) {
      if (!mode || mode.isProduction || marker === null || marker === 'UNREADABLE') return null;
      if (marker.demonstration !== false) return null;
      return {
        zh: `数据目录 ${folder} 属于正式系统：请设置 NODE_ENV=production 和 OIDC_ISSUER`,
        en: 'the data folder is of production: set NODE_ENV=production and OIDC_ISSUER',
      };
    },
  },
  {
    code: 'SECRETS_READABLE',
    compares: 'the permissions of the files of secrets, and of their folders, with those of their owner',
    isResumable: false,
    ends: true,
    find({ mode, folder: { exposures } }) {
      const [exposure] = exposures;
      if (!mode?.isProduction || exposure === undefined) return null;
      const { path, remedy } = exposure;
      return {
        zh: `${path} 可被本机其他用户读写，请执行 ${remedy}`,
        en: 'secrets are open to other users of this machine: run this command',
      };
    },
  },
];
