import { GraphQLError } from 'graphql';
import type { GraphContext } from '../../kernel/serve.ts';
import type { EvidenceDependencies } from '../evidence/workflow.ts';
import type { QueryVerifyLicenseArgs, VerifyLicenseInput } from '../resolvers.gen.ts';
import { listLife } from './store.ts';
import { publicStatus } from './view.ts';
import { type Verification, verifyDigest, verifyDocument, verifyText } from './workflow.ts';

const DOCUMENT_LENGTH = 700_000;
const SIGNATURE_LENGTH = 60_000;
const CODE_LENGTH = 2_048;
/** Maximum verifications per request. Each costs some hundredths of a second of CPU time, and needs no token. */
const VERIFICATIONS_MOST = 5;

const asked = new WeakMap<GraphContext, number>();

/** Resolvers of public verification, and of the public status and history of a license. */
export function verificationResolvers(deps: EvidenceDependencies) {
  const { db } = deps;
  return {
    Query: {
      licenseStatus: (_: unknown, { identifier }: { identifier: string }) => publicStatus(db, identifier),
      verifyLicense: (_: unknown, { input }: QueryVerifyLicenseArgs, context: GraphContext) => {
        const count = (asked.get(context) ?? 0) + 1;
        asked.set(context, count);
        if (count > VERIFICATIONS_MOST) throw malformed(`一次请求最多核验 ${VERIFICATIONS_MOST} 次。`);
        return judge(deps, input);
      },
    },
    LicenseVerification: {
      status: ({ status }: Verification) => ({ ...status, state: status.state === 'UNKNOWN' ? null : status.state }),
      license: ({ identifier }: Verification) => identifier && publicStatus(db, identifier),
      evidence: ({ identifier }: Verification) => identifier && `/licenses/evidence/${identifier}`,
    },
    LicenseStatus: {
      life: ({ number }: { number: string }) => listLife(db, number),
    },
  };
}

function judge(deps: EvidenceDependencies, input: VerifyLicenseInput): Promise<Verification> {
  const { digest, document, signature, code } = input;
  if ([digest, document, code].filter((one) => one != null).length !== 1) {
    throw malformed('digest、document、code 须填且只填一项。');
  }
  if (signature != null && document == null) throw malformed('signature 须与 document 一并提交。');
  if (digest != null) {
    if (!/^[0-9a-f]{64}$/i.test(digest)) throw malformed('digest 须为 64 位十六进制的 SHA-256。');
    return verifyDigest(deps, digest.toLowerCase());
  }
  if (document != null) {
    const beside = signature == null ? null : readBase64('signature', signature, SIGNATURE_LENGTH);
    return verifyDocument(deps, readBase64('document', document, DOCUMENT_LENGTH), beside);
  }
  const text = code?.trim() ?? '';
  if (text === '' || text.length > CODE_LENGTH) throw malformed(`code 须为 1 至 ${CODE_LENGTH} 个字符。`);
  return verifyText(deps, text);
}

/** Decodes canonical base64 with padding. Throws BAD_USER_INPUT. */
function readBase64(name: string, text: string, most: number): Buffer {
  const bytes = text.length > most ? null : Buffer.from(text, 'base64');
  if (!bytes || bytes.length === 0 || bytes.toString('base64') !== text) {
    throw malformed(`${name} 须为 base64，至多 ${most} 个字符。`);
  }
  return bytes;
}

function malformed(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', argument: 'input' } });
}
