import { GraphQLError } from 'graphql';
import { dayOf } from '../../kernel/day.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import type { PublishedLicenseType } from '../../kernel/license-type/type.ts';
import { MAX_VERIFICATIONS } from '../../kernel/limits/limits.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { findLostSheets, LOST_ORDER, type LostSheet, listLostSheets } from '../paper/lost-store.ts';
import type { Resolvers, VerifyLicenseInput } from '../resolvers.gen.ts';
import { findLicenseTypes } from '../type/store.ts';
import { type LifeEvent, listLives } from './store.ts';
import { findPublicStatus, listPublished, viewLostPaper } from './view.ts';
import {
  type Verification,
  type VerificationDependencies,
  verifyDigest,
  verifyDocument,
  verifyText,
} from './workflow.ts';

const MAX_DOCUMENT_CHARS = 700_000;
const MAX_SIGNATURE_CHARS = 60_000;
const MAX_CODE_CHARS = 2_048;

const verificationCounts = new WeakMap<GraphContext, number>();

/** Resolvers of public verification, and of the public status and history of a license. */
export function verificationResolvers(deps: VerificationDependencies) {
  const { db, now } = deps;
  return {
    Query: {
      licenseStatus: (_, { identifier }) => findPublicStatus(db, identifier, dayOf(now())),
      lostPapers: async (_, args) =>
        toConnection(await listLostSheets(db, readPage(args, LOST_ORDER)), LOST_ORDER, viewLostPaper),
      verifyLicense: (_, { input }, context) => {
        const count = (verificationCounts.get(context) ?? 0) + 1;
        verificationCounts.set(context, count);
        if (count > MAX_VERIFICATIONS) throw inputError(`一次请求最多核验 ${MAX_VERIFICATIONS} 次。`);
        return verifyInput(deps, input);
      },
    },
    LicenseVerification: {
      provenAt: ({ provenAt }) => readTime(provenAt),
      claimedAt: ({ claimedAt }) => readTime(claimedAt),
      status: ({ status }) => ({
        ...status,
        state: status.state === 'UNKNOWN' ? null : status.state,
        asOf: readTime(status.asOf),
      }),
      license: ({ identifier }) => (identifier === null ? null : findPublicStatus(db, identifier, dayOf(now()))),
      evidence: ({ identifier, secretDigest }) =>
        identifier && `/licenses/evidence/${identifier}${secretDigest ? `?document=${secretDigest}` : ''}`,
    },
    LicenseStatus: {
      fields: async ({ record }, _, context) => {
        const type = await getLoader<PublishedLicenseType>(context, 'license types', async (codes) => {
          const types = await findLicenseTypes(db, codes);
          return codes.map((code) => types.get(code) ?? null);
        }).load(record.ZZLXDM);
        return listPublished(record, type);
      },
      life: async ({ key }, _, context) => {
        const lives = await getLoader<LifeEvent[]>(context, 'lives', async (numbers) => {
          const byNumber = await listLives(db, numbers);
          return numbers.map((each) => byNumber.get(each) ?? []);
        }).load(key);
        return lives ?? [];
      },
      lostPapers: async ({ identifier }, _, context) => {
        const lost = await getLoader<LostSheet[]>(context, 'lost sheets', async (identifiers) => {
          const byIdentifier = await findLostSheets(db, identifiers);
          return identifiers.map((each) => byIdentifier.get(each) ?? []);
        }).load(identifier);
        return (lost ?? []).map(viewLostPaper);
      },
    },
  } satisfies Resolvers;
}

function readTime(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

function verifyInput(deps: VerificationDependencies, input: VerifyLicenseInput): Promise<Verification> {
  const { digest, document, signature, code } = input;
  if ([digest, document, code].filter((value) => value != null).length !== 1) {
    throw inputError('digest、document、code 须填且只填一项。');
  }
  if (signature != null && document == null) throw inputError('signature 须与 document 一并提交。');
  if (digest != null) {
    if (!/^[0-9a-f]{64}$/i.test(digest)) throw inputError('digest 须为 64 位十六进制的 SHA-256。');
    return verifyDigest(deps, digest.toLowerCase());
  }
  if (document != null) {
    const detachedSignature = signature == null ? null : readBase64('signature', signature, MAX_SIGNATURE_CHARS);
    return verifyDocument(deps, readBase64('document', document, MAX_DOCUMENT_CHARS), detachedSignature);
  }
  const text = code?.trim() ?? '';
  if (text === '' || text.length > MAX_CODE_CHARS) throw inputError(`code 须为 1 至 ${MAX_CODE_CHARS} 个字符。`);
  return verifyText(deps, text);
}

/** Decodes canonical base64 with padding. Throws BAD_USER_INPUT. */
function readBase64(name: string, text: string, maxChars: number): Buffer {
  const bytes = text.length > maxChars ? null : Buffer.from(text, 'base64');
  if (!bytes || bytes.length === 0 || bytes.toString('base64') !== text) {
    throw inputError(`${name} 须为 base64，至多 ${maxChars} 个字符。`);
  }
  return bytes;
}

function inputError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', argument: 'input' } });
}
