import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { logFailure } from '../../subgraphs/kernel/environment/log.ts';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { endAfter, startProcess } from '../../subgraphs/kernel/environment/stop.ts';
import { readConnectionLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';
import { toLocalUrl } from '../hub/address.ts';
import { createPlatform } from './app.ts';
import { computeThumbprint } from './jws.ts';

/** `npm run platform`: starts the reference approval platform. Registers it first if it is not registered yet. */

const { HOST, LOG_LEVEL, DATA_FOLDER, ...settings } = readEnvironment('platform');
startProcess({ service: 'platform', level: LOG_LEVEL });
const REGISTRATION_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 65_536;
const USAGE = `用法 usage: npm run platform -- --organ ganzhou-xzspj \\
    --token "$(npm run -s token -- administrator)" --approver "$(npm run -s token -- ganzhou-xzspj.approver)"
  --organ         市级机关 the city organ that works on it; first start only
  --token         管理员令牌 an administrator's token, to propose the registration; first start only
  --approver      该机关审批人令牌 a token of the organ's approver, to approve it; first start only
  --hub           枢纽地址 the hub, http://127.0.0.1:4000
  --port          本平台端口 4020
  --folder        数据目录 DATA_FOLDER 下的 approval-platform
  --protocol      报文协议 1 or 2 (default), which lists materials and fetches their files
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
    approver: { type: 'string' },
    hub: { type: 'string', default: 'http://127.0.0.1:4000' },
    port: { type: 'string', default: '4020' },
    folder: { type: 'string', default: join(DATA_FOLDER, 'approval-platform') },
    protocol: { type: 'string', default: '2' },
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
  const { organ, token, approver, hub } = values;
  if (!organ || !token || !approver)
    throw new Error(`尚未登记 not registered yet\n${USAGE}\n\n公钥 public key\n${publicKey}`);
  const newRegistration = {
    ...(await registerPlatform(hub, { token, approver }, { organ, name: '审批平台（参考实现）', url, publicKey })),
    organ,
    url,
  };
  writeFileSync(file, JSON.stringify(newRegistration, null, 2), { mode: 0o600 });
  return newRegistration;
}

const proposalResponse = z.object({
  data: z.object({
    payload: z.object({
      proposal: z.object({ id: z.string() }).nullable(),
      platform: z.object({ uuid: z.string(), secretVersion: z.number(), audience: z.string() }).nullable(),
      secret: z.string().nullable(),
      refusal: z.object({ code: z.string(), message: z.string() }).nullable(),
    }),
  }),
});
const PAYLOAD = 'proposal { id } platform { uuid secretVersion audience } secret refusal { code message }';

/** Proposes the registration as the administrator, and approves it as the organ's approver, who gets the secret. */
async function registerPlatform(hub: string, tokens: { token: string; approver: string }, input: object) {
  const { proposal } = await mutate(hub, tokens.token, 'registerPlatform', 'RegisterPlatformInput', input);
  const approval = { proposal: proposal?.id, approve: true };
  const decided = await mutate(hub, tokens.approver, 'decideProposal', 'DecideProposalInput', approval);
  const { platform, secret } = decided;
  if (!platform || secret === null) throw new Error('枢纽没有给出平台密钥 the hub gave no secret');
  return { platformId: platform.uuid, secretVersion: platform.secretVersion, audience: platform.audience, secret };
}

/** Runs a mutation with one input. Throws if it is refused. */
async function mutate(hub: string, token: string, name: string, type: string, input: object) {
  const query = `mutation($input: ${type}!) { payload: ${name}(input: $input) { ${PAYLOAD} } }`;
  const { status, bytes } = await sendRequest(`${hub}/graphql`, {
    reach: OPERATOR,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables: { input } }),
    timeoutMs: REGISTRATION_TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  const text = bytes.toString('utf8');
  const parseResult = proposalResponse.safeParse(JSON.parse(text));
  if (!parseResult.success) throw new Error(`枢纽答复 HTTP ${status} ${text}`);
  const { payload } = parseResult.data.data;
  if (payload.refusal) throw new Error(`未登记 refused: ${payload.refusal.code} ${payload.refusal.message}`);
  return payload;
}

async function main(): Promise<void> {
  const folder = resolve(values.folder);
  const port = z.coerce.number().int().min(1).max(65_535).parse(values.port);
  const protocol = z.enum(['1', '2']).parse(values.protocol);
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
    // The hub names the address of protocol 1. That of protocol 2 differs in its version.
    audience: platformRegistration.audience.replace('/platform/v1/', `/platform/v${protocol}/`),
    decideAfterSeconds: decideAfter === undefined ? null : z.coerce.number().nonnegative().parse(decideAfter),
    onError: logFailure,
    connections: readConnectionLimits(settings),
  });
  endAfter(() => app.close());
  console.log(`审批平台 ${platformRegistration.organ} ${await app.listen({ port, host: HOST })}`);
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
