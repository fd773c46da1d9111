import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, SignJWT } from 'jose';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listKnown, replaceSharedKeys } from '../../scripts/hub/known-authorisations.ts';
import { locateKnownFile, locateSignerKeyFile, openSecrets } from '../../scripts/hub/secrets.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { writePublicKeys } from '../../subgraphs/kernel/sealing/service-keys.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { openKnownFile } from '../../subgraphs/seals/signer/known-file.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import { tokenKeys } from '../support/actors.ts';
import { COMPANY, findRefusalCode, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, RUN_KEY_ENCRYPTION_KEY, type TestHub } from '../support/hub.ts';
import { waitUntil } from '../support/until.ts';

/** The first start of a data folder of release 0.4, whose authorisations have keys (HS256) that the signer shared. */

const { DIRECT } = ROUTES;
/** Of its licenses, and of its decisions. */
const SEALS = ['yudu-lyj-license-seal', 'yudu-lyj-unit-seal'];
const shared = { cases: randomBytes(32), licenses: randomBytes(32) };
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

let folder: string;
let hub: TestHub;
let sql: postgres.Sql;
let secrets: ReturnType<typeof openSecrets>;
const fileOf = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tongquan-shared-'));
  mkdirSync(join(folder, 'signer'));
  const content = {
    tokenPrivateKey: tokenKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    databaseKey: base64(randomBytes(32)),
    authorisationKeys: { cases: base64(shared.cases), licenses: base64(shared.licenses) },
    ...{ serviceKey: base64(randomBytes(32)), librarySecret: 'x'.repeat(32) },
  };
  writeFileSync(join(folder, 'secrets.json'), JSON.stringify(content));
  secrets = openSecrets(folder);
  const { serviceKeys, derivationKey } = secrets;
  const signer = createSigner({
    ring: [RUN_KEY_ENCRYPTION_KEY],
    publicKeys: serviceKeys.publicKeys,
    isKnownAuthorisation: openKnownFile(locateKnownFile(locateSignerKeyFile(folder))),
    now: () => new Date(),
  });
  hub = await createTestHub({ serviceKeys, derivationKey, signer });
  sql = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes a stored authorisation as release 0.4 would have, by `key`. Returns it. */
async function writeAsBefore(jws: string, key: Uint8Array = shared.cases, changes: object = {}): Promise<string> {
  const { decider: _, ...claims } = decodeJwt(jws);
  return new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'HS256' }).sign(key);
}

async function rewriteTask(caseId: string, key?: Uint8Array): Promise<string> {
  const [row] = await sql`select authorisation from licenses.certificate_task where case_id = ${caseId}`;
  const authorisation = await writeAsBefore(row?.authorisation, key);
  await sql`update licenses.certificate_task set authorisation = ${authorisation} where case_id = ${caseId}`;
  return authorisation;
}

/** Rejects a case while its seal is suspended. Returns the id of its decision document, which waits. */
async function rejectCase(): Promise<string> {
  const input = { matter: DIRECT.matter, applicant: COMPANY, fields: [{ label: '采伐地点', text: '示范乡' }] };
  const { case: accepted } = await runMutation(
    hub,
    DIRECT.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id: uuid }',
  );
  const steps = [
    [DIRECT.examines, 'examineCase', 'ExamineCaseInput', { case: accepted.id, finding: 'APPROVED' }],
    [
      ...[DIRECT.decides, 'decideCase', 'DecideCaseInput'],
      { case: accepted.id, decision: 'REJECTED', reason: '不符合条件', authoriseSeal: true },
    ],
  ] as [string, string, string, object][];
  for (const step of steps) expect(await findRefusalCode(hub, ...step)).toBeNull();
  const [notice] = await sql`select id from cases.notice where case_id = ${accepted.id} and kind = 'DECISION'`;
  return notice?.id;
}

test('what waited for its seal is sealed; nothing else that the shared keys sign, and nothing later', async () => {
  const [open, prepared, foreign, late] = [
    await grantCase(hub, DIRECT),
    await grantCase(hub, DIRECT),
    await grantCase(hub, DIRECT),
    await grantCase(hub, DIRECT),
  ];
  await sql`update seals.seal set state = 'SUSPENDED' where id in ${sql(SEALS)}`;
  const notice = await rejectCase();
  const [seal] = await sql`select authorisation from cases.decision_seal where notice_id = ${notice}`;
  const decision = await writeAsBefore(seal?.authorisation);
  await sql`update cases.decision_seal set authorisation = ${decision}, waiting_for = null where notice_id = ${notice}`;
  await waitUntil('no attempt with the earlier statement runs', async () => {
    const [row] = await sql`select waiting_for from cases.decision_seal where notice_id = ${notice}`;
    return row?.waiting_for;
  });
  await sql`update seals.seal set state = 'IN_USE' where id in ${sql(SEALS)}`;
  const waiting = [decision, await rewriteTask(open), await rewriteTask(prepared)];
  await rewriteTask(foreign, randomBytes(32));

  // One act is prepared already. The signer takes nothing that has a shared key.
  const issuance = { case: prepared, blankNumber: 'KB001200000001' };
  await runMutation(hub, DIRECT.prints, 'issueLicense', 'CaseActInput', issuance, 'license { identifier }');
  const [act] = await sql`select state from licenses.act where case_id = ${prepared}`;
  expect(act?.state).toBe('PREPARED');

  // A grant that licenses have not received yet.
  const [granted] = await sql`select payload from cases.outbox_event where type = 'CaseGranted' limit 1`;
  const undelivered = await writeAsBefore(granted?.payload.authorisation, shared.cases, { caseId: randomUUID() });
  waiting.push(undelivered);
  const payload = { ...granted?.payload, caseId: randomUUID(), authorisation: undelivered };
  await sql`insert into cases.outbox_event (stream, revision, type, payload, occurred_at)
    values ('case:undelivered', 1, 'CaseGranted', ${sql.json(payload)}, now())`;

  expect(secrets.sharedKeys).not.toBeNull();
  // Without the keys that end, nothing is known.
  expect(await listKnown(hub.adminUrl, {})).toMatchObject({ digests: [] });
  await replaceSharedKeys(folder, secrets, hub.adminUrl);
  const name = 'signer/known-authorisations.json';
  expect(fileOf(name)).toEqual({ authorisations: waiting.map(sha256).toSorted() });
  expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);

  await waitUntil('the decision is sealed', async () => {
    const [row] = await sql`select state from cases.decision_seal where notice_id = ${notice}`;
    return row?.state === 'DONE';
  });
  await waitUntil('the prepared act is done', async () => {
    const [row] = await sql`select state from licenses.act where case_id = ${prepared}`;
    return row?.state === 'DONE';
  });
  expect((await issueGrantedLicense(hub, DIRECT, open, 2)).state).toBe('VALID');
  const issue = (id: string, serial: number) =>
    findRefusalCode(hub, DIRECT.prints, 'issueLicense', 'CaseActInput', {
      case: id,
      blankNumber: `KB00120000000${serial}`,
    });
  await issue(foreign, 3);
  // By whoever has kept the shared key.
  await rewriteTask(late);
  await issue(late, 4);
  const acts = await sql`select state from licenses.act where case_id in (${foreign}, ${late})`;
  expect(acts.map(({ state }) => state)).toEqual(['PREPARED', 'PREPARED']);

  // The folder keeps what webhooks need, and no shared key. The next start lists nothing anew.
  const { authorisationKeys, serviceKey, derivationKey, serviceKeys } = fileOf('secrets.json');
  expect([authorisationKeys, serviceKey]).toEqual([undefined, undefined]);
  expect(derivationKey).toBe(base64(shared.cases));
  expect(Object.keys(serviceKeys)).toEqual(['cases', 'licenses']);
  const again = openSecrets(folder);
  expect(again.sharedKeys).toBeNull();
  for (const service of ['cases', 'licenses'] as const)
    expect(again.serviceKeys.publicKeys[service][0]?.equals(secrets.serviceKeys.publicKeys[service][0] as never)).toBe(
      true,
    );
  await replaceSharedKeys(folder, again, hub.adminUrl);
  expect(fileOf(name).authorisations).toHaveLength(waiting.length);
  // A later list, when another key ends, keeps only what still waits of this one.
  const { digests } = await listKnown(hub.adminUrl, { known: fileOf(name).authorisations });
  expect(digests).toEqual([sha256(undelivered)]);
});

/** Runs `npm run authorisations` as an operator does before the keys of a process end. */
function runCommand(options: readonly string[], publicKeys: string) {
  const script = join(import.meta.dirname, '../../scripts/authorisations.ts');
  const env = { PATH: process.env.PATH, SERVICE_PUBLIC_KEYS: publicKeys };
  return new Promise<{ code: number; output: string }>((resolve) =>
    execFile(process.execPath, [script, ...options], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    ),
  );
}

test('the command lists what the ending keys authorised and still waits; by other keys nothing', async () => {
  const waiting = await grantCase(hub, DIRECT);
  const digestOf = async () => {
    const [row] = await sql`select authorisation from licenses.certificate_task where case_id = ${waiting}`;
    return sha256(row?.authorisation);
  };
  const file = join(folder, 'listed.json');
  const list = () => JSON.parse(readFileSync(file, 'utf8')).authorisations as string[];

  const others = await runCommand(
    [file, '--database', hub.adminUrl],
    writePublicKeys(generateServiceKeys().publicKeys),
  );
  expect(others).toMatchObject({ code: 1, output: expect.stringContaining('无法验证') });
  expect(list()).toEqual([]);

  const own = await runCommand([file, '--database', hub.adminUrl], writePublicKeys(secrets.serviceKeys.publicKeys));
  expect(own.output).toContain('authorisations wait and are listed');
  expect(list()).toContain(await digestOf());

  await issueGrantedLicense(hub, DIRECT, waiting, 5);
  const done = await digestOf();
  await runCommand([file, '--database', hub.adminUrl], writePublicKeys(secrets.serviceKeys.publicKeys));
  expect(list()).not.toContain(done);

  for (const wrong of [[], [file, 'more'], [file, '--unknown']])
    expect(await runCommand(wrong, writePublicKeys(secrets.serviceKeys.publicKeys))).toMatchObject({
      code: 1,
      output: expect.stringContaining('usage'),
    });
});
