import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { logFailure, startLog } from '../../subgraphs/kernel/environment/log.ts';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { readConnectionLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';
import { toLocalUrl } from '../hub/address.ts';
import { createPlatform } from './app.ts';
import { computeThumbprint } from './jws.ts';

/** `npm run platform`: starts the reference approval platform. Registers it first if it is not registered yet. */

const { HOST, LOG_LEVEL, DATA_FOLDER, ...settings } = readEnvironment('platform');
startLog({ service: 'platform', level: LOG_LEVEL });
const REGISTRATION_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 65_536;
const USAGE = `用法 usage: npm run platform -- --organ ganzhou-xzspj --token "$(npm run -s token -- administrator)"
  --organ         市级机关 the city organ that works on it; first start only
  --token         管理员令牌 an administrator's token, to register; first start only
  --hub           枢纽地址 the hub, http://127.0.0.1:4000
  --port          本平台端口 4020
  --folder        数据目录 DATA_FOLDER 下的 approval-platform
  --decide-after  收到后若干秒自动准予 grants by itself after so many seconds; otherwise POST /decide`;

/** Result of the registration, stored as `registration.json` in the folder. */
const registration = z.object({
  platformId: z.string(),
  secretVersion: z.number().int(),
  organ: z.string(),
  audience: z.url(),
  secret: z.string(),
  url: z.url(),
});
type Registration = z.infer<typeof registration>;

const { values } = parseArgs({
  options: {
    organ: { type: 'string' },
    token: { type: 'string' },
    hub: { type: 'string', default: 'http://127.0.0.1:4000' },
    port: { type: 'string', default: '4020' },
    folder: { type: 'string', default: join(DATA_FOLDER, 'approval-platform') },
    'decide-after': { type: 'string' },
  },
});

/** Returns the platform's own key pair. Makes it at the first start; the private key never leaves the folder. */
function openKey(folder: string): { kid: string; privateKey: KeyObject; publicKey: string } {
  const file = join(folder, 'key.pem');
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    const newKeyPem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(file, newKeyPem, { mode: 0o600 });
  }
  const privateKey = createPrivateKey(readFileSync(file));
  const publicKey = createPublicKey(privateKey);
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return {
    kid: computeThumbprint(x),
    privateKey,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

async function openRegistration(folder: string, url: string, publicKey: string): Promise<Registration> {
  const file = join(folder, 'registration.json');
  if (existsSync(file)) return registration.parse(JSON.parse(readFileSync(file, 'utf8')));
  const { organ, token, hub } = values;
  if (!organ || !token) throw new Error(`尚未登记 not registered yet\n${USAGE}\n\n公钥 public key\n${publicKey}`);
  const newRegistration = {
    ...(await registerPlatform(hub, token, { organ, name: '审批平台（参考实现）', url, publicKey })),
    organ,
    url,
  };
  writeFileSync(file, JSON.stringify(newRegistration, null, 2), { mode: 0o600 });
  return newRegistration;
}

const registrationResponse = z.object({
  data: z.object({
    registerPlatform: z.object({
      platform: z.object({ id: z.string(), secretVersion: z.number(), audience: z.string() }).nullable(),
      secret: z.string().nullable(),
      refusal: z.object({ code: z.string(), message: z.string() }).nullable(),
    }),
  }),
});

async function registerPlatform(hub: string, token: string, input: object) {
  const query = `mutation($input: RegisterPlatformInput!) { registerPlatform(input: $input) {
    platform { id secretVersion audience } secret refusal { code message } } }`;
  const { status, bytes } = await sendRequest(`${hub}/graphql`, {
    reach: OPERATOR,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables: { input } }),
    timeoutMs: REGISTRATION_TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  const text = bytes.toString('utf8');
  const parseResult = registrationResponse.safeParse(JSON.parse(text));
  if (!parseResult.success) throw new Error(`枢纽答复 HTTP ${status} ${text}`);
  const { platform, secret, refusal } = parseResult.data.data.registerPlatform;
  if (!platform || secret === null) throw new Error(`未登记 refused: ${refusal?.code} ${refusal?.message}`);
  return { platformId: platform.id, secretVersion: platform.secretVersion, audience: platform.audience, secret };
}

async function main(): Promise<void> {
  const folder = resolve(values.folder);
  const port = z.coerce.number().int().min(1).max(65_535).parse(values.port);
  const decideAfter = values['decide-after'];
  const key = openKey(folder);
  const platformRegistration = await openRegistration(folder, `${toLocalUrl(HOST, port)}/hub`, key.publicKey);
  const app = createPlatform({
    folder,
    organ: platformRegistration.organ,
    key,
    hub: {
      kid: `${platformRegistration.platformId}.${platformRegistration.secretVersion}`,
      secret: Buffer.from(platformRegistration.secret, 'base64url'),
      aud: platformRegistration.url,
    },
    audience: platformRegistration.audience,
    decideAfterSeconds: decideAfter === undefined ? null : z.coerce.number().nonnegative().parse(decideAfter),
    onError: logFailure,
    connections: readConnectionLimits(settings),
  });
  console.log(`审批平台 ${platformRegistration.organ} ${await app.listen({ port, host: HOST })}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close());
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
