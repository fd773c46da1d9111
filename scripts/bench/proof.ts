import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOrgans } from '../../seeds/load.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { signDetached } from '../../subgraphs/seals/signer/cms.ts';
import { makeCertificate, ROOT_NAME } from '../../subgraphs/seals/signer/pki.ts';
import { boot } from '../boot.ts';
import { Client, freePort } from '../client.ts';
import { blankPrefix } from '../seed.ts';

/**
 * `npm run bench`: figures of the documents that prove themselves, each beside what it is measured against, in one run on this machine:
 * CMS at RSA-3072 and `openssl speed`, whole licenses, verifications. Per core means per second of CPU time of the hub's process.
 */

const SECONDS = 3;
const LICENSES = Number(process.argv[2] ?? 200);
const KEY_BITS = 3072;

process.env.APOLLO_TELEMETRY_DISABLED = '1';

/** How often something is done in a second of this process' CPU time. */
async function rate(count: number, work: (i: number) => unknown): Promise<{ perCpuSecond: number; perSecond: number }> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  for (let i = 0; i < count; i++) await work(i);
  const { user, system } = process.cpuUsage(cpu);
  return { perCpuSecond: (count * 1e6) / (user + system), perSecond: (count * 1000) / (performance.now() - from) };
}

function opensslRate(): number {
  const run = spawnSync('openssl', ['speed', '-mr', '-seconds', String(SECONDS), `rsa${KEY_BITS}`], {
    encoding: 'utf8',
  });
  const found = /^\+F2:\d+:\d+:([\d.e+-]+):/m.exec(run.stdout);
  if (!found) throw new Error(`openssl speed did not say: ${run.stderr}`);
  const figure = Number(found[1]);
  // OpenSSL 3.0 says seconds for one signature, later ones say signatures in a second.
  return figure < 1 ? 1 / figure : figure;
}

async function cmsRate(): Promise<{ cms: number; bare: number }> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: KEY_BITS });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const now = new Date();
  const asked = {
    profile: 'seal' as const,
    subject: ROOT_NAME,
    issuer: ROOT_NAME,
    publicKeyPem: pem,
    issuerPublicKeyPem: pem,
  };
  const life = { validFrom: now, validUntil: new Date(now.getTime() + 1e9) };
  const bySelf = (data: Uint8Array) => sign('sha256', data, privateKey);
  const certificate = makeCertificate({ ...asked, ...life }, bySelf);
  const request = {
    profile: 'PADES' as const,
    documentDigest: Buffer.alloc(32, 7),
    chain: [certificate, certificate] as const,
    signedAt: now,
  };
  const data = Buffer.alloc(150);
  const count = 1500;
  await rate(100, () => signDetached(request, bySelf));
  return {
    bare: (await rate(count, () => bySelf(data))).perCpuSecond,
    cms: (await rate(count, () => signDetached(request, bySelf))).perCpuSecond,
  };
}

const COMPANY = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' };
const ORGAN = 'yudu-lyj';

/** Cases that are granted and wait for their licenses. */
async function grant(client: Client, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const fields = [{ label: '采伐地点', text: `于都县示范乡示范村 ${i + 1} 林班` }];
    const input = { matter: 'yd2022-1-07', applicant: COMPANY, fields };
    const made = await client.act(`${ORGAN}.clerk`, 'acceptCase', 'ApplicationInput', input, 'case { id }');
    const id: string = made.case.id;
    await client.act(
      `${ORGAN}.reviewer`,
      'examineCase',
      'ExamineCaseInput',
      { case: id, finding: 'APPROVED' },
      'case { id }',
    );
    const decision = { case: id, decision: 'GRANTED', authoriseSeal: true };
    await client.act(`${ORGAN}.approver`, 'decideCase', 'DecideCaseInput', decision, 'case { id }');
    ids.push(id);
  }
  return ids;
}

async function licenseRates() {
  const dataFolder = mkdtempSync(join(tmpdir(), 'tongquan-bench-'));
  const [port, libraryPort] = [await freePort(), await freePort()];
  const say = () => {};
  const running = await boot({ dataFolder, port, libraryPort, databaseUrl: null, withLibrary: true, say });
  try {
    const client = new Client(running);
    const ids = await grant(client, LICENSES);
    await client.until('all tasks are open', async () => {
      const { certificateTasks } = await client.ask('auditor', '{ certificateTasks(first: 100) { edges { cursor } } }');
      return certificateTasks.edges.length >= Math.min(100, LICENSES) ? true : null;
    });
    const prefix = blankPrefix(readOrgans().find((one) => one.id === ORGAN)?.uscc ?? '');
    const issued: { identifier: string; digest: string }[] = [];
    const issue = await rate(LICENSES, async (i) => {
      const input = { case: ids[i], blankNumber: `${prefix}${String(i + 1).padStart(8, '0')}` };
      const fields = 'license { identifier document { digest } }';
      const { license } = await client.act(`${ORGAN}.clerk`, 'issueLicense', 'CaseActInput', input, fields);
      issued.push({ identifier: license.identifier, digest: license.document.digest });
    });
    const roots = [Buffer.from(await running.hub.seals.rootCertificate())];
    const evidence: Parameters<typeof verify>[0][] = [];
    for (const { identifier, digest } of issued.slice(0, 50)) {
      const file = await client.file('auditor', digest);
      const bundle = Buffer.from(await (await fetch(`${running.url}/licenses/evidence/${identifier}`)).arrayBuffer());
      evidence.push({ file, signature: null, roots, bundle });
    }
    let passed = 0;
    const judge = (i: number) => {
      const one = evidence[i % evidence.length];
      if (one && verify(one, new Date()).verdict === 'TOTAL_PASSED') passed++;
    };
    await rate(500, judge);
    passed = 0;
    const judged = await rate(1000, judge);
    return { issue, judged, passed };
  } finally {
    await running.stop();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}

const round = (figure: number) => Math.round(figure * 10) / 10;

console.log(`${cpus().length} × ${cpus()[0]?.model ?? ''}, Node ${process.version}`);
const before = opensslRate();
const { cms, bare } = await cmsRate();
const after = opensslRate();
const openssl = Math.max(before, after);
console.log(`openssl speed rsa${KEY_BITS}: ${round(openssl)} signatures per second; node:crypto ${round(bare)}`);
console.log(`CMS (PAdES, no timestamp): ${round(cms)} per CPU second, ${round((cms / openssl) * 100)} % of openssl`);
const { issue, judged, passed } = await licenseRates();
console.log(
  `whole licenses (GraphQL, PDF, code, signature, timestamp, database): ${round(issue.perCpuSecond)} per CPU second, ${round(issue.perSecond)} per second one after another`,
);
console.log(
  `verifications (PDF with code, bundle): ${round(judged.perCpuSecond)} per CPU second, ${passed} of 1000 passed`,
);
process.exit();
