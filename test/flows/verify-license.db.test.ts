import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tamperAttachment, tamperPageContent, tamperSignedAttribute } from '../../scripts/demo/tamper.ts';
import { VERDICT_OF } from '../../subgraphs/licenses/verify/verdict.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';

const DIRECT = ROUTES.DIRECT;
const FIELDS = `verdict subIndication steps { name passed detail } provenAt claimedAt signer { name organisation }
  status { state asOf source reason } evidence
  license { identifier state holderName life { act version state at } }`;
const QUERY = `query($input: VerifyLicenseInput!) { verifyLicense(input: $input) { ${FIELDS} } }`;

describe.each(['local', 'http'] as const)('verifyLicense without a token (%s)', (transport) => {
  let hub: TestHub;
  let clock: TestClock;
  let identifier: string;
  let pdf: Buffer;
  beforeAll(async () => {
    clock = testClock('2026-03-02');
    hub = await createTestHub({ now: clock, transport });
    const license = await issueGrantedLicense(hub, DIRECT, await grantCase(hub, DIRECT), 1);
    identifier = license.identifier;
    pdf = await fileOf(license.document.url);
  });
  afterAll(() => hub?.stop());

  const fileOf = async (url: string) => {
    const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
    return (await hub.hub.app.inject({ method: 'GET', url, headers })).rawPayload;
  };
  const ask = (input: object) => hub.ask(null, QUERY, { input });
  const judge = async (input: object) => {
    const { data, errors } = await ask(input);
    expect(errors).toBeUndefined();
    return data.verifyLicense;
  };
  const digestOf = (file: Buffer) => createHash('sha256').update(file).digest('hex');
  const codeOf = async (file: Buffer) => {
    const { verify } = await import('../../subgraphs/licenses/verify/verify.ts');
    const bundle = (await hub.hub.app.inject({ url: `/licenses/evidence/${identifier}` })).rawPayload;
    const root = Buffer.from(await hub.hub.seals.rootCertificate());
    return verify({ file, signature: null, roots: [root], bundle }, clock()).record?.KZ_EWM ?? '';
  };

  test('a file that the hub issued passes by its digest, in either case of letters', async () => {
    const answer = await judge({ digest: digestOf(pdf).toUpperCase() });
    expect(answer).toMatchObject({
      verdict: 'TOTAL_PASSED',
      subIndication: null,
      signer: { organisation: '于都县林业局' },
      status: { state: 'VALID', source: 'STATEMENT', reason: null },
      license: { identifier, state: 'VALID', life: [{ act: 'ISSUE', version: 1, state: 'VALID' }] },
      evidence: `/licenses/evidence/${identifier}`,
    });
    expect(answer.steps[0]).toMatchObject({ passed: true, detail: '与本系统制发的文件逐字节相同' });
    expect(Date.parse(answer.provenAt)).toBe(clock().getTime());
    expect(answer.claimedAt).not.toBeNull();
  });

  test('an unknown digest gets an answer, not a fault', async () => {
    expect(await judge({ digest: 'a'.repeat(64) })).toMatchObject({
      verdict: 'INDETERMINATE',
      subIndication: 'SIGNED_DATA_NOT_FOUND',
      steps: [{ passed: false, detail: '本机构没有制发过这一证照文件' }],
      status: { state: null, asOf: null, source: null },
      license: null,
      evidence: null,
      signer: null,
    });
  });

  test('an uploaded file gets the same verdict as its digest; a forged file fails with the reason', async () => {
    expect(await judge({ document: pdf.toString('base64') })).toMatchObject({
      verdict: 'TOTAL_PASSED',
      license: { identifier },
    });
    for (const [forge, sub] of [
      [tamperPageContent, 'FORMAT_FAILURE'],
      [tamperAttachment, 'FORMAT_FAILURE'],
      [tamperSignedAttribute, 'HASH_FAILURE'],
    ] as const) {
      const answer = await judge({ document: forge(pdf).toString('base64') });
      expect([forge.name, answer]).toMatchObject([
        forge.name,
        { verdict: 'TOTAL_FAILED', subIndication: sub, license: null, evidence: null, signer: null },
      ]);
      expect(answer.steps[0].detail).toBe('本机构没有制发过这一证照文件');
    }
    for (const [text, sub] of [
      ['hello', 'FORMAT_FAILURE'],
      ['%PDF-1.7 nothing', 'SIGNED_DATA_NOT_FOUND'],
      ['{}', 'SIGNED_DATA_NOT_FOUND'],
    ]) {
      const answer = await judge({ document: Buffer.from(text ?? '').toString('base64') });
      expect([text, answer.subIndication]).toEqual([text, sub]);
    }
  });

  test('a code is verified by its text, with or without its link; a forged code fails', async () => {
    const text = await codeOf(pdf);
    for (const code of [text, text.split('#')[1], ` ${text}\n`]) {
      expect(await judge({ code })).toMatchObject({
        verdict: 'TOTAL_PASSED',
        signer: { organisation: '于都县林业局' },
        status: { state: 'VALID' },
        license: { identifier },
      });
    }
    expect(await judge({ code: text.replace(/.{4}$/, 'AAAA') })).toMatchObject({
      verdict: 'TOTAL_FAILED',
      subIndication: 'SIG_CRYPTO_FAILURE',
      license: null,
    });
    for (const code of ['你好', 'a.b.c', '#', 'https://x/#..', `${'e30.'.repeat(2)}e30`, '<script>alert(1)</script>']) {
      expect([code, (await judge({ code })).verdict]).toEqual([code, 'TOTAL_FAILED']);
    }
  });

  test('the state changes with each act at once, but the verdict does not; a statement can be verified too', async () => {
    const suspensionAnswer = await actForOrgan(
      hub,
      'yudu-lyj',
      'suspend',
      { identifier, reason: '核查' },
      'license { acts { act document { digest url signature { url } } } }',
    );
    const [, suspension] = suspensionAnswer.license.acts;
    const [statement, signature] = [
      await fileOf(suspension.document.url),
      await fileOf(suspension.document.signature.url),
    ];
    expect(await judge({ digest: digestOf(pdf) })).toMatchObject({
      verdict: 'TOTAL_PASSED',
      status: { state: 'SUSPENDED' },
      license: { state: 'SUSPENDED', life: [{ act: 'ISSUE' }, { act: 'SUSPEND', state: 'SUSPENDED' }] },
    });
    const document = statement.toString('base64');
    for (const judgedInput of [
      { digest: suspension.document.digest },
      { document },
      { document, signature: signature.toString('base64') },
    ]) {
      expect(await judge(judgedInput)).toMatchObject({ verdict: 'TOTAL_PASSED', status: { state: 'SUSPENDED' } });
    }
    const forgedVerdict = await judge({ document, signature: tamperSignedAttribute(signature).toString('base64') });
    expect(forgedVerdict).toMatchObject({ verdict: 'TOTAL_FAILED', subIndication: 'HASH_FAILURE' });
    const changedStatement = Buffer.from(statement.toString().replace('核查', '没有'));
    expect(
      await judge({ document: changedStatement.toString('base64'), signature: signature.toString('base64') }),
    ).toMatchObject({ subIndication: 'HASH_FAILURE' });
    // The signature file alone is not a document.
    expect((await judge({ digest: digestOf(signature) })).subIndication).toBe('SIGNED_DATA_NOT_FOUND');
  });

  test('the picture of its seal is public', async () => {
    const picture = await hub.hub.app.inject({ url: `/licenses/seal/${identifier}` });
    expect(picture).toMatchObject({ statusCode: 200, headers: { 'content-type': 'image/svg+xml' } });
    expect(picture.body).toMatch(
      /^<svg xmlns="[^"]+" viewBox="0 0 [\d.]+ [\d.]+">(<\/?g[^>]*>|<path [^<>]+\/>)+<\/svg>$/,
    );
    expect(picture.body.match(/<path /g)?.length).toBe(2 + '于都县林业局证照专用章'.length);
    expect((await hub.hub.app.inject({ url: '/licenses/seal/x' })).statusCode).toBe(404);
  });

  test('malformed input is BAD_USER_INPUT', async () => {
    const document = pdf.toString('base64');
    const digest = 'a'.repeat(64);
    const inputs = [
      {},
      { digest: null },
      { digest, code: 'x' },
      { document, digest },
      { digest, signature: document },
      { digest: 'a'.repeat(63) },
      { digest: 'g'.repeat(64) },
      { document: '' },
      { document: 'a' },
      { document: `${document.slice(0, -4)}\n` },
      { document: 'A'.repeat(700_004) },
      { document, signature: '-' },
      { document, signature: 'A'.repeat(60_004) },
      { code: ' ' },
      { code: 'x'.repeat(2_049) },
      { file: 'x' },
    ];
    for (const input of inputs) {
      const { errors } = await ask(input);
      expect([JSON.stringify(input).slice(0, 40), errors?.[0]?.extensions.code]).toEqual([
        JSON.stringify(input).slice(0, 40),
        'BAD_USER_INPUT',
      ]);
    }
    const aliasedQueries = Array.from(
      { length: 6 },
      (_, i) => `v${i}: verifyLicense(input: { digest: "${digest}" }) { verdict }`,
    );
    expect((await hub.ask(null, `{ ${aliasedQueries.join(' ')} }`)).errors?.map((one) => one.extensions.code)).toEqual([
      'BAD_USER_INPUT',
    ]);
  });

  test('a renewed proof does not change state and verdict', async () => {
    clock.set(new Date(Date.parse('2026-03-02T04:00:00Z') + 7.1 * 365.25 * 86_400_000).toISOString());
    await hub.hub.licenses.renewProofs();
    clock.advance(30 * 86_400_000);
    const answer = await judge({ digest: digestOf(pdf) });
    // Its period has ended meanwhile, whatever acts did before.
    expect(answer).toMatchObject({ verdict: 'TOTAL_PASSED', status: { state: 'LAPSED' } });
    expect(answer.provenAt.slice(0, 10)).toBe('2026-03-02');
  });
});

test('every sub-indication of the verifier has its value in the schema', async () => {
  const { readFileSync } = await import('node:fs');
  const face = readFileSync(new URL('../../subgraphs/licenses/schema.graphql', import.meta.url), 'utf8');
  const values = /enum VerificationSubIndication \{([^}]*)\}/.exec(face)?.[1]?.match(/^ {2}[A-Z_]+$/gm);
  expect(values?.map((one) => one.trim())).toEqual(Object.keys(VERDICT_OF));
});
