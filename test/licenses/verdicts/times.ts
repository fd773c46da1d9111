import { type Bundle, MAX_BUNDLE_BYTES } from '../../../subgraphs/licenses/verify/evidence.ts';
import { issueCertificate, issueRevocationList } from '../../support/pki-builder.ts';
import { sampleRecord } from '../../support/record.ts';
import {
  type Authorities,
  addStamp,
  type Changes,
  createAuthorities,
  renderPdf,
  SIGNED_AT,
  STAMPED_AT,
  toDay,
  VALID_AUTHORITIES,
  VERIFIED_AT,
} from '../../support/sealed-evidence.ts';
import {
  buildCodeText,
  buildEntry,
  OLD_SIGNATURE,
  type Vectors,
  withAuthorities,
  withCode,
  withRevoked,
  withStamps,
  withStatement,
} from '../../support/vectors.ts';

/** Rules on time: validity, revocation, timestamps and what they prove. */

const BEFORE_SIGNING = toDay('2026-11-20');
const AFTER_SIGNING = new Date('2026-11-24T00:00:00Z');
const SHORT_VALIDITY = { until: toDay('2026-12-01') };
const AFTER_VALIDITY = toDay('2026-12-10');
const shortSealPki = createAuthorities({ seal: SHORT_VALIDITY });
const shortCodePki = createAuthorities({ code: { until: new Date('2026-11-23T02:00:00Z') } });
const shortTimestampPki = createAuthorities({ timestamp: SHORT_VALIDITY });
const revokeIssuing = (at: Date, more: object = {}): Changes => ({
  lists: { root: { entries: [buildEntry(VALID_AUTHORITIES.issuing, at, more)] } },
});
const [Y2028, Y2031, Y2034, Y2051] = [
  toDay('2028-06-01'),
  toDay('2031-06-01'),
  toDay('2034-06-01'),
  toDay('2051-06-01'),
];
/** Revocation lists of a later time, which the verifier fetched. */
const withListsAt = (
  at: Date,
  pki = VALID_AUTHORITIES,
  entries: ReturnType<typeof buildEntry>[] = [],
): Pick<Changes, 'at' | 'evidence'> => {
  const span = { from: new Date(at.getTime() - 86_400_000), until: new Date(at.getTime() + 86_400_000) };
  const lists = [issueRevocationList(pki.root, span), issueRevocationList(pki.issuing, { ...span, entries })];
  return { at, evidence: (evidence) => ({ ...evidence, revocation: lists }) };
};
const withBundleBytes = (bytes: Buffer | string): Changes => ({ bundle: () => Buffer.from(bytes) });

export const TIMES: Vectors = {
  PASSED: [
    ['a seal revoked after its timestamp', withRevoked('seal', AFTER_SIGNING)],
    [
      'a seal revoked after its timestamp because of a compromise after it',
      withRevoked('seal', VERIFIED_AT, { reason: 1, invalidityDate: AFTER_SIGNING }),
    ],
    [
      'a hold that a newer list removes',
      {
        lists: {
          issuing: {
            from: BEFORE_SIGNING,
            entries: [buildEntry(VALID_AUTHORITIES.seal, BEFORE_SIGNING, { reason: 6 })],
          },
        },
        evidence: (evidence) => ({
          ...evidence,
          revocation: [issueRevocationList(VALID_AUTHORITIES.issuing, { from: AFTER_SIGNING })],
        }),
      },
    ],
    ['an old signature without a timestamp while its certificate is valid', OLD_SIGNATURE],
    ['a seal expired after its timestamp', { authorities: shortSealPki, at: AFTER_VALIDITY }],
    [
      'an archive stamp that keeps an expired timestamp valid',
      {
        authorities: shortTimestampPki,
        bundle: withStamps(AFTER_SIGNING),
        ...withListsAt(AFTER_SIGNING, shortTimestampPki),
        at: AFTER_SIGNING,
      },
    ],
    ['two archive stamps, years later', { bundle: withStamps(Y2028, Y2031), ...withListsAt(Y2034) }],
    [
      'a timestamp revoked after the archive stamp over it',
      revokeTimestampAfter(Y2028, new Date(Y2028.getTime() + 1_000)),
    ],
    [
      'a newer timestamp authority after the old one',
      { bundle: (bundle, pki) => restampByNewAuthority(bundle, pki), ...withListsAt(Y2031) },
    ],
  ],
  REVOKED: [
    ['a seal revoked before it signed', withRevoked('seal', BEFORE_SIGNING)],
    ['a seal revoked before it signed a statement', { ...withStatement(), ...withRevoked('seal', BEFORE_SIGNING) }],
    [
      'a seal compromised before it signed, revoked after',
      withRevoked('seal', AFTER_SIGNING, { reason: 1, invalidityDate: BEFORE_SIGNING }),
    ],
    ['a seal on hold', withRevoked('seal', BEFORE_SIGNING, { reason: 6 })],
    [
      'an old signature of a seal revoked before it signed',
      { ...OLD_SIGNATURE, ...withRevoked('seal', BEFORE_SIGNING) },
    ],
    ['a seal revoked between its signing time and its authorisation', authoriseAfterRevocation()],
  ],
  EXPIRED: [
    ['a seal that expired before it signed', withAuthorities({ seal: { until: toDay('2026-06-01') } })],
    [
      'a seal that expired before its detached signature',
      { ...withAuthorities({ seal: { until: toDay('2026-06-01') } }), detached: true },
    ],
    [
      'a seal that expired before it signed, without a timestamp',
      { ...withAuthorities({ seal: { until: toDay('2026-06-01') } }), ...OLD_SIGNATURE },
    ],
  ],
  NOT_YET_VALID: [
    ['a seal not yet in force when it signed', withAuthorities({ seal: { from: VERIFIED_AT } })],
    [
      'a seal not yet in force at its detached signature',
      { ...withAuthorities({ seal: { from: VERIFIED_AT } }), detached: true },
    ],
    [
      'a timestamp from before the seal was in force',
      {
        ...withAuthorities({ seal: { from: new Date(STAMPED_AT.getTime() + 60_000) } }),
        signedAt: new Date(STAMPED_AT.getTime() + 120_000),
      },
    ],
  ],
  REVOKED_NO_POE: [
    ['an old signature of a seal revoked later', { ...OLD_SIGNATURE, ...withRevoked('seal', AFTER_SIGNING) }],
    [
      'an old signature of a seal compromised later',
      { ...OLD_SIGNATURE, ...withRevoked('seal', VERIFIED_AT, { reason: 1, invalidityDate: AFTER_SIGNING }) },
    ],
    ['a timestamp certificate revoked after the timestamp', withRevoked('timestamp', AFTER_SIGNING)],
    ['a timestamp certificate revoked before the timestamp', withRevoked('timestamp', BEFORE_SIGNING)],
    [
      'a code’s certificate revoked before the code was signed',
      { ...withCode(), ...withRevoked('code', BEFORE_SIGNING) },
    ],
    ['a timestamp revoked before the archive stamp over it', revokeTimestampAfter(Y2028, AFTER_SIGNING)],
    ['a revocation between signing time and timestamp', withRevoked('seal', new Date(SIGNED_AT.getTime() + 1_000))],
  ],
  REVOKED_CA_NO_POE: [
    ['an authority revoked before the signature', revokeIssuing(BEFORE_SIGNING)],
    ['an authority revoked after the signature', revokeIssuing(AFTER_SIGNING)],
    [
      'an authority compromised before the signature, revoked after it',
      revokeIssuing(AFTER_SIGNING, { reason: 2, invalidityDate: BEFORE_SIGNING }),
    ],
    ['an authority revoked, and an old signature', { ...OLD_SIGNATURE, ...revokeIssuing(AFTER_SIGNING) }],
  ],
  OUT_OF_BOUNDS_NO_POE: [
    [
      'an old signature after the seal’s end',
      {
        ...OLD_SIGNATURE,
        authorities: shortSealPki,
        at: AFTER_VALIDITY,
        lists: { issuing: { until: toDay('2026-11-25') } },
      },
    ],
    [
      'an old signature before the seal’s beginning',
      {
        ...OLD_SIGNATURE,
        at: BEFORE_SIGNING,
        ...withAuthorities({ seal: { from: new Date(BEFORE_SIGNING.getTime() + 60_000) } }),
        signedAt: new Date(BEFORE_SIGNING.getTime() + 120_000),
      },
    ],
    [
      'an authority after its end',
      { ...OLD_SIGNATURE, ...withAuthorities({ issuing: SHORT_VALIDITY }), at: AFTER_VALIDITY },
    ],
    ['a root after its end', { ...OLD_SIGNATURE, ...withAuthorities({ root: SHORT_VALIDITY }), at: AFTER_VALIDITY }],
    [
      'a timestamp after its certificate’s end, without lists of that time',
      { authorities: shortTimestampPki, at: AFTER_VALIDITY, lists: { issuing: { until: toDay('2026-11-25') } } },
    ],
  ],
  OUT_OF_BOUNDS_NOT_REVOKED: [
    [
      'an old signature after the seal’s end, not revoked until then',
      { ...OLD_SIGNATURE, authorities: shortSealPki, at: AFTER_VALIDITY },
    ],
    [
      'an old statement after the seal’s end, not revoked until then',
      { ...withStatement(), token: null, authorities: shortSealPki, at: AFTER_VALIDITY },
    ],
    [
      'a timestamp after its certificate’s end, not revoked until then',
      { authorities: shortTimestampPki, at: AFTER_VALIDITY },
    ],
    [
      'an archive stamp too late for the timestamp',
      {
        authorities: shortTimestampPki,
        bundle: (bundle, pki) => restampByNewAuthority(bundle, pki, AFTER_VALIDITY),
        ...withListsAt(AFTER_VALIDITY, shortTimestampPki),
      },
    ],
  ],
  CRYPTO_CONSTRAINTS_FAILURE_NO_POE: [
    [
      'an old signature after the algorithms’ end',
      { ...OLD_SIGNATURE, ...withAuthorities({ seal: { until: toDay('2060-01-01') } }), at: Y2051 },
    ],
    ['a timestamp after the algorithms’ end', { ...withListsAt(Y2051) }],
    ['an archive stamp of the same algorithms after their end', { bundle: withStamps(Y2034), ...withListsAt(Y2051) }],
  ],
  NO_POE: [
    ['a seal in a PDF without a timestamp', { token: null }],
    ['archive stamps over a signature without a timestamp', { ...OLD_SIGNATURE, bundle: withStamps(AFTER_SIGNING) }],
    [
      'an archive stamp over another bundle',
      { bundle: (bundle, pki) => ({ ...withStamps(AFTER_SIGNING)(bundle, pki), status: 'changed' }) },
    ],
    [
      'an archive stamp left out',
      {
        bundle: (bundle, pki) => ({
          ...bundle,
          stamps: withStamps(AFTER_SIGNING, VERIFIED_AT)(bundle, pki).stamps.slice(1),
        }),
      },
    ],
    [
      'an archive stamp that is garbage',
      { bundle: (bundle) => ({ ...bundle, stamps: [{ certificates: [], revocation: [], token: 'AAAA' }] }) },
    ],
    ['a bundle that is not JSON', withBundleBytes('garbage')],
    ['a bundle of another format', { bundle: (bundle) => Buffer.from(JSON.stringify({ ...bundle, format: 'other' })) }],
    ['a bundle with an unknown field', { bundle: (bundle) => Buffer.from(JSON.stringify({ ...bundle, more: 1 })) }],
    [
      'a bundle that is too long',
      { bundle: (bundle) => Buffer.from(JSON.stringify(bundle).padEnd(MAX_BUNDLE_BYTES + 1)) },
    ],
  ],
  TIMESTAMP_ORDER_FAILURE: [
    ['a timestamp from the future', { token: { genTime: toDay('2026-11-26') } }],
    ['an archive stamp before the signature’s timestamp', { bundle: withStamps(BEFORE_SIGNING) }],
    ['a second archive stamp before the first', { at: Y2031, bundle: withStamps(Y2028, toDay('2028-05-01')) }],
    ['an archive stamp from the future', { bundle: withStamps(Y2028) }],
  ],
  TRY_LATER: [
    ['an invalid verification time', { at: new Date(Number.NaN) }],
    ['a timestamp years later, without lists of that time', { at: Y2028 }],
    ['archive stamps years later, without lists of that time', { at: Y2031, bundle: withStamps(Y2028) }],
    [
      'only lists made after the seal’s end',
      {
        ...withListsAt(AFTER_VALIDITY, shortSealPki),
        ...{ authorities: shortSealPki, lists: { issuing: null } },
      },
    ],
    [
      'a code’s certificate that ended before the list was made',
      {
        authorities: shortCodePki,
        ...withCode(buildCodeText(shortCodePki)),
        lists: { issuing: { from: AFTER_SIGNING } },
      },
    ],
  ],
};

/** One archive stamp, and a later list that revokes the timestamp certificate from the second time. */
function revokeTimestampAfter(stampedAt: Date, revokedFrom: Date): Changes {
  const secondAuthority = issueCertificate({
    ...{
      organisation: sampleRecord.ZZBFJG,
      common: '时间戳二',
      issuer: VALID_AUTHORITIES.issuing,
      pair: VALID_AUTHORITIES.status.pair,
    },
    ...{ usage: 0x80, purposes: ['1.3.6.1.5.5.7.3.8'], until: toDay('2060-01-01') },
  });
  return {
    bundle: (bundle, pki) => addStamp(bundle, pki, stampedAt, { by: secondAuthority }),
    ...withListsAt(Y2031, VALID_AUTHORITIES, [buildEntry(VALID_AUTHORITIES.timestamp, revokedFrom)]),
  };
}

function restampByNewAuthority(bundle: Bundle, pki: Authorities, stampedAt = Y2028): Bundle {
  const newAuthority = issueCertificate({
    ...{ organisation: '时间戳', common: '新时间戳', issuer: pki.issuing, pair: pki.code.pair },
    ...{ usage: 0x80, purposes: ['1.3.6.1.5.5.7.3.8'], until: toDay('2060-01-01') },
  });
  return addStamp(bundle, pki, stampedAt, { by: newAuthority });
}

/** In the record the seal is authorised after its revocation. In the PDF the signing time is before it. */
function authoriseAfterRevocation(): Changes {
  const at = new Date(SIGNED_AT.getTime() + 1_000);
  const content = renderPdf({ ZZQZSJ: new Date(at.getTime() + 500).toISOString() });
  return { content, ...withRevoked('seal', at) };
}
