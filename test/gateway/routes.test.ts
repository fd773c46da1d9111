import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LicenseStatus, renderLicensePage } from '../../gateway/page/license.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { createStubGateway, type StubGateway } from '../support/stubs.ts';

const clock = testClock('2022-09-29');
const identifier = writeLicenseIdentifier({
  type: '11100000000013338W011',
  issuer: '11430000006122244L',
  serial: '20230000403',
  version: 1,
});
const DIGEST = 'a'.repeat(64);
const status = {
  identifier,
  number: '20230000403',
  version: 1,
  state: 'SUSPENDED',
  name: '药品经营许可证',
  holderName: '<script>alert(1)</script>',
  owners: null,
  issuerName: '赣州市行政审批局',
  issuedOn: new Date('2022-09-29'),
  validFrom: '2022-09-29',
  validUntil: null,
  documentDigest: DIGEST,
  origin: 'ISSUED',
  registration: null,
  sealName: '赣州市行政审批局市级审批专用章',
  sealedAt: new Date('2022-09-29T04:00:00Z'),
  fields: [],
  supersededBy: null,
  lostPapers: [],
  nextVersion: null,
  nextFrom: null,
  deemedRenewedSince: null,
  unprinted: 0,
  isRenewalGranted: false,
  deemedRenewals: [],
  life: [{ act: 'ISSUE', version: 1, state: 'VALID', at: new Date('2022-09-29T04:00:00Z') }],
};
let gateway: StubGateway;
let databaseUp = true;

beforeAll(async () => {
  gateway = await createStubGateway(
    clock,
    {
      licenses: {
        Query: {
          licenseStatus: (_parent: unknown, args: { identifier: string }) =>
            args.identifier === identifier ? { ...status, issuedOn: '2022-09-29' } : null,
        },
      },
    },
    'local',
    {
      checks: {
        matters: async () => {
          if (!databaseUp) throw new Error('connection refused');
        },
      },
    },
  );
});
afterAll(() => gateway.stop());

const get = async (url: string, person?: string, headers: Record<string, string> = {}) => {
  const token = person === undefined ? null : await tokenFor(requireDemoPerson(person), clock());
  return gateway.app.inject({ url, headers: { ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) } });
};

describe('the public page of a license', () => {
  test('shows the state, what is sealed, and how to verify', async () => {
    const page = await get(`/v/${identifier}`);
    expect(page.statusCode).toBe(200);
    for (const text of ['暂扣', identifier, DIGEST, status.sealName, '/verify?lang=zh', '长期', '2022年9月29日']) {
      expect(page.body).toContain(text);
    }
  });

  test('says of what had not begun that it had not, and of a lost sheet that it came back', () => {
    const papers = [{ blankNumber: 'B1', kind: 'ORIGINAL' as const, lostOn: '2026-01-02', isReturned: true }];
    const life = [
      { act: 'ISSUE' as const, version: 1, state: 'VALID' as const, at: '2026-01-01T04:00:00Z' },
      { act: 'RENEW' as const, version: 2, state: 'VALID' as const, at: '2026-06-01T04:00:00Z' },
    ];
    const dates = { issuedOn: '2026-01-01', validFrom: '2026-02-01', sealedAt: '2026-01-01T04:00:00Z' };
    const next = { nextVersion: identifier, nextFrom: '2027-02-01' };
    const render = (changes: object) =>
      renderLicensePage({ ...status, ...dates, ...next, lostPapers: papers, life, ...changes } as LicenseStatus, 'zh');
    const page = render({});
    expect(page).toContain('2026-02-01起长期有效');
    expect([page.includes('第 1 版：未到生效日'), page.includes('第 2 版：未到生效日')]).toEqual([true, true]);
    expect(page).toContain('作废日期 2026-01-02 · 已找回并收回');
    const begun = render({ validFrom: '2026-01-01', validUntil: '2027-01-31', nextVersion: null, nextFrom: null });
    expect(begun).toContain('2026-01-01 至 2027-01-31');
    expect(begun).not.toContain('未到生效日');
  });

  test('loads and runs no foreign resources, and escapes names', async () => {
    const page = await get(`/v/${identifier}`);
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    expect(page.body).not.toMatch(/<script>|\bsrc="(?!\/(page|licenses)\/)|https?:\/\//);
    expect(page.body).toContain('&lt;script&gt;');
  });

  test('returns 404 for an identifier that was never issued', async () => {
    const other = writeLicenseIdentifier({
      type: '11100000000013338W011',
      issuer: '11430000006122244L',
      serial: 'X',
      version: 1,
    });
    const page = await get(`/v/${other}`);
    expect(page.statusCode).toBe(404);
    expect(page.body).toContain('没有此证照');
  });

  test('returns 400 with an explanation for a wrong check character', async () => {
    const page = await get(`/v/${identifier.slice(0, -1)}${identifier.endsWith('A') ? 'B' : 'A'}`);
    expect(page.statusCode).toBe(400);
    expect(page.body).toContain('校验位不正确');
    expect((await get('/v/%3Cb%3E')).body).toContain('&lt;b&gt;');
  });

  test('recognises the check character of a known vendor’s algorithm', async () => {
    const variant = '1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M';
    const page = await get(`/v/${variant}`);
    expect(page.statusCode).toBe(400);
    expect(page.body).toContain('另一种算法');
  });
});

test('health: always live, ready only while every check succeeds', async () => {
  expect((await get('/health/live')).json()).toEqual({ status: 'live' });
  expect((await get('/health/ready')).json()).toEqual({ status: 'ready', checks: { matters: 'up' } });
  databaseUp = false;
  const down = await get('/health/ready');
  expect([down.statusCode, down.json()]).toEqual([503, { status: 'not ready', checks: { matters: 'down' } }]);
  databaseUp = true;
});

test('the front page and the root certificate are public; a header marks the test PKI', async () => {
  expect((await get('/')).body).toContain('电子证照');
  const root = await get('/root.pem');
  expect(root.body).toMatch(/^-----BEGIN CERTIFICATE-----/);
  expect(root.headers['x-test-pki']).toContain('test PKI');
});
