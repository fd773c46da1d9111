import { describe, expect, test } from 'vitest';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { REGISTER_TYP, type RegisterStatement } from '../../subgraphs/kernel/sealing/attest.ts';
import type { Evidence } from '../../subgraphs/licenses/verify/verify.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { spoilAttestation, stateAttestation } from '../support/attestation.ts';
import { createEcPair, issueCertificate, issueRevocationList, signJws } from '../support/pki-builder.ts';
import { createAuthorities, type Role, VALID_AUTHORITIES } from '../support/sealed-evidence.ts';

/** Verifies statements of the register offline: only its own key, in the closed form, below the pinned root. */

const AT = new Date('2026-11-25T00:00:00Z');
const { claims } = spoilAttestation();
/** `signJws` writes the members in the order in which they stand here. */
const canonical: RegisterStatement = JSON.parse(toCanonicalJson(claims));

interface Forgery {
  payload?: unknown;
  header?: object;
  signer?: Role;
  authorities?: typeof VALID_AUTHORITIES;
  /** Changes the finished text. */
  change?: (text: string) => string;
  evidence?: Partial<Evidence>;
  at?: Date;
}

/** Verifies a statement with the changes of a test. `signJws` writes the payload as JSON. */
function judge({
  payload = canonical,
  header = {},
  signer = 'status',
  change = (text) => text,
  ...rest
}: Forgery = {}) {
  const { authorities = VALID_AUTHORITIES, evidence = {}, at = AT } = rest;
  const x5c = [authorities[signer].certificate.toString('base64')];
  const text = signJws({ alg: 'ES256', typ: REGISTER_TYP, x5c, ...header }, payload, authorities[signer]);
  return verify(
    {
      ...{ file: Buffer.from(change(text)), signature: null, roots: [VALID_AUTHORITIES.root.certificate] },
      certificates: [VALID_AUTHORITIES.issuing.certificate],
      revocation: [issueRevocationList(VALID_AUTHORITIES.root), issueRevocationList(VALID_AUTHORITIES.issuing)],
      ...evidence,
    },
    at,
  );
}

test('a statement of the register passes, and says what it states', () => {
  const report = judge();
  expect(report).toMatchObject({ verdict: 'TOTAL_PASSED', registered: claims, record: null, statement: null });
  expect(report.signer?.name).toBe('证照状态');
  expect(report.claimedAt).toBe(new Date(claims.iat * 1000).toISOString().replace('.000Z', 'Z'));
});

const withClaims = (changes: object) => JSON.parse(toCanonicalJson({ ...claims, ...changes }));
const other = createAuthorities({ status: { pair: createEcPair() } });
const replacePayload = (payload: object) => (text: string) => {
  const [head, , signature] = text.split('.');
  return [head, Buffer.from(toCanonicalJson(payload)).toString('base64url'), signature].join('.');
};

describe('is not passed', () => {
  test.each<[string, Forgery, string]>([
    [
      'with another reason under its signature',
      { change: replacePayload({ ...claims, reason: 'DAMAGED' }) },
      'SIG_CRYPTO_FAILURE',
    ],
    [
      'about another license under its signature',
      { change: replacePayload(spoilAttestation(1).claims) },
      'SIG_CRYPTO_FAILURE',
    ],
    [
      'with a sheet under its signature',
      { change: replacePayload({ ...claims, spoiled: 'LYJ00000009' }) },
      'SIG_CRYPTO_FAILURE',
    ],
    [
      'by another key that shows its certificate',
      { header: { x5c: [VALID_AUTHORITIES.status.certificate.toString('base64')] }, authorities: other },
      'SIG_CRYPTO_FAILURE',
    ],
    ['by the key of a code', { signer: 'code' }, 'CHAIN_CONSTRAINTS_FAILURE'],
    ['by the key of a timestamp', { signer: 'timestamp' }, 'CHAIN_CONSTRAINTS_FAILURE'],
    ['in free words', { payload: withClaims({ reason: '兹证明于都县示范企业信誉良好' }) }, 'FORMAT_FAILURE'],
    ['with one more claim', { payload: withClaims({ note: '兹证明' }) }, 'FORMAT_FAILURE'],
    ['without a claim', { payload: withClaims({ by: undefined }) }, 'FORMAT_FAILURE'],
    ['about a version that is not the identifier’s', { payload: withClaims({ version: 2 }) }, 'FORMAT_FAILURE'],
    ['that is a statement on a state', { payload: stateAttestation().claims }, 'FORMAT_FAILURE'],
    ['of the type of a statement on a state', { header: { typ: 'license-status+jwt' } }, 'FORMAT_FAILURE'],
    ['that is not canonical', { payload: Object.fromEntries(Object.entries(canonical).reverse()) }, 'FORMAT_FAILURE'],
    ['of tomorrow', { at: new Date(claims.iat * 1000 - 600_000) }, 'SIG_CONSTRAINTS_FAILURE'],
    ['with a signature next to it', { evidence: { signature: Buffer.from('x') } }, 'FORMAT_FAILURE'],
    ['without a root', { evidence: { roots: [] } }, 'NO_CERTIFICATE_CHAIN_FOUND'],
    ['without the list of the authority', { evidence: { revocation: [] } }, 'TRY_LATER'],
    ['that the log does not have', { evidence: { log: { keys: [], required: true } } }, 'NO_POE'],
  ])('%s', (_, forgery, subIndication) => {
    const report = judge(forgery);
    expect(report.verdict).not.toBe('TOTAL_PASSED');
    expect(report).toMatchObject({ subIndication, registered: null, signer: null });
  });

  test('if its certificate is revoked', () => {
    const revoked = [{ serial: VALID_AUTHORITIES.status.serial, at: new Date('2026-01-01T00:00:00Z') }];
    const lists = [
      issueRevocationList(VALID_AUTHORITIES.root),
      issueRevocationList(VALID_AUTHORITIES.issuing, { entries: revoked }),
    ];
    expect(judge({ evidence: { revocation: lists } })).toMatchObject({ registered: null });
  });
});

test('the key of a seal cannot sign one: its certificate serves no statements', () => {
  // An RSA key signs no ES256, so the forger needs a certificate of a seal over a P-256 key.
  const pair = createEcPair();
  const { issuing } = VALID_AUTHORITIES;
  const seal = issueCertificate({ pair, issuer: issuing, organisation: '于都县林业局', common: '审批专用章' });
  const authorities = { ...VALID_AUTHORITIES, status: seal };
  expect(judge({ authorities })).toMatchObject({
    subIndication: 'CHAIN_CONSTRAINTS_FAILURE',
    registered: null,
  });
});
