import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { cpus } from 'node:os';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { signDetached } from '../../subgraphs/seals/signer/cms.ts';
import { makeCertificate, ROOT_NAME } from '../../subgraphs/seals/signer/pki.ts';
import { Client } from '../demo/client.ts';
import { bootTemporary } from '../hub/temporary.ts';
import { type Bench, type Cost, grantCases, issueByWorkflow, issueThroughApi } from './licenses.ts';

/**
 * `npm run bench`: measures the self-proving documents on this machine, each figure with its reference in the same run:
 * CMS at RSA-3072 against `openssl speed`, whole licenses, verifications. A figure per core is per second of CPU time.
 */

const OPENSSL_SECONDS = 1;
/** The machine's speed varies over time. Compared figures are therefore measured in turn, and the median counts. */
const ROUNDS = 5;
const LICENSES = Number(process.argv[2] ?? 200);
const KEY_BITS = 3072;

readEnvironment('bench');

/** Returns how often `work` runs per second of this process' CPU time. */
async function measureRate(count: number, work: (i: number) => unknown): Promise<number> {
  const cpu = process.cpuUsage();
  for (let i = 0; i < count; i++) await work(i);
  const { user, system } = process.cpuUsage(cpu);
  return (count * 1e6) / (user + system);
}

function measureOpensslRate(): number {
  const run = spawnSync('openssl', ['speed', '-mr', '-seconds', String(OPENSSL_SECONDS), `rsa${KEY_BITS}`], {
    encoding: 'utf8',
  });
  const match = /^\+F2:\d+:\d+:([\d.e+-]+):/m.exec(run.stdout);
  if (!match) throw new Error(`openssl speed did not say: ${run.stderr}`);
  const figure = Number(match[1]);
  // OpenSSL 3.0 reports seconds per signature, later versions report signatures per second.
  return figure < 1 ? 1 / figure : figure;
}

const median = (figures: number[]) => figures.sort((a, b) => a - b)[figures.length >> 1] ?? 0;

/** Measures signatures per CPU second by openssl and by CMS, in turn, and their ratio. */
async function measureCmsRates(): Promise<{ openssl: number; cms: number; ratio: number }> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: KEY_BITS });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const now = new Date();
  const certificateRequest = {
    profile: 'seal' as const,
    subject: ROOT_NAME,
    issuer: ROOT_NAME,
    publicKeyPem: pem,
    issuerPublicKeyPem: pem,
  };
  const validity = { validFrom: now, validUntil: new Date(now.getTime() + 1e9) };
  const signBySelf = (data: Uint8Array) => sign('sha256', data, privateKey);
  const certificate = makeCertificate({ ...certificateRequest, ...validity }, signBySelf);
  const request = {
    profile: 'PADES' as const,
    documentDigest: Buffer.alloc(32, 7),
    chain: [certificate, certificate] as const,
    signedAt: now,
  };
  await measureRate(100, () => signDetached(request, signBySelf));
  const rounds: { openssl: number; cms: number }[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    rounds.push({
      openssl: measureOpensslRate(),
      cms: await measureRate(500, () => signDetached(request, signBySelf)),
    });
  }
  return {
    openssl: median(rounds.map((sample) => sample.openssl)),
    cms: median(rounds.map((sample) => sample.cms)),
    ratio: median(rounds.map((sample) => sample.cms / sample.openssl)),
  };
}

const VERIFICATIONS = 500;
/** Licenses issued to warm up before measuring. */
const WARM_UP_COUNT = 40;

async function measureLicenseRates() {
  const running = await bootTemporary('bench', () => {});
  const bench = { running, client: new Client(running), dataFolder: running.dataFolder };
  try {
    const ids = await grantCases(bench, 2 * (WARM_UP_COUNT + LICENSES));
    await issueThroughApi(bench, ids.slice(0, WARM_UP_COUNT));
    const apiRun = await issueThroughApi(bench, ids.slice(WARM_UP_COUNT, WARM_UP_COUNT + LICENSES));
    const verification = await measureVerificationRate(bench, apiRun.issued.slice(0, 50));
    await running.hub.stop();
    const workflow = await issueByWorkflow(bench, ids.slice(WARM_UP_COUNT + LICENSES), WARM_UP_COUNT);
    return { door: apiRun.cost, workflow, ...verification };
  } finally {
    await running.stop();
  }
}

async function measureVerificationRate(
  { running, client }: Bench,
  issued: readonly { identifier: string; digest: string }[],
): Promise<{ judged: number; passed: number }> {
  const roots = [Buffer.from(await running.hub.seals.rootCertificate())];
  const evidence: Parameters<typeof verify>[0][] = [];
  for (const { identifier, digest } of issued) {
    const file = await client.downloadDocument('auditor', digest, 'AUDIT');
    const bundle = await client.downloadPublic(`/licenses/evidence/${identifier}`);
    evidence.push({ file, signature: null, roots, bundle });
  }
  let passed = 0;
  const verifyOne = (i: number) => {
    const item = evidence[i % evidence.length];
    if (item && verify(item, new Date()).verdict === 'TOTAL_PASSED') passed++;
  };
  await measureRate(500, verifyOne);
  passed = 0;
  const rates: number[] = [];
  for (let i = 0; i < ROUNDS; i++) rates.push(await measureRate(VERIFICATIONS, verifyOne));
  return { judged: median(rates), passed };
}

const round = (figure: number) => Math.round(figure * 10) / 10;

console.log(`${cpus().length} × ${cpus()[0]?.model ?? ''}, Node ${process.version}`);
const { openssl, cms, ratio } = await measureCmsRates();
console.log(`openssl speed rsa${KEY_BITS}: ${round(openssl)} signatures per second`);
console.log(`CMS (PAdES, no timestamp): ${round(cms)} per CPU second, ${round(ratio * 100)} % of openssl`);
const { door, workflow, judged, passed } = await measureLicenseRates();
const printCost = (subject: string, { hub, signer, database, perSecond }: Cost) => {
  const [withSigner, all] = [hub + signer, hub + signer + database];
  console.log(
    `${subject}: ${round(hub)} ms of CPU in the hub, ${round(signer)} in the signer, ${round(database)} in the database: ` +
      `${round(1000 / hub)} per CPU second of the hub, ${round(1000 / withSigner)} with the signer, ${round(1000 / all)} with the database too; ` +
      `${round(perSecond)} per second`,
  );
};
printCost('a whole license (PDF, code, signature, timestamp, database)', workflow);
printCost('the same through GraphQL until it is logged, cosigned and collected', door);
console.log(
  `verifications (PDF with code, bundle): ${round(judged)} per CPU second, ${passed} of ${ROUNDS * VERIFICATIONS} passed`,
);
process.exit();
