import { BUNDLE_LIMIT_BYTES, type Bundle } from '../../../subgraphs/licenses/verify/evidence.ts';
import { certify, listOf } from '../../support/forge.ts';
import { record } from '../../support/record.ts';
import {
  codeText,
  entryOf,
  inWorld,
  OLD,
  revoked,
  stamped,
  statement,
  type Vectors,
  withCode,
} from '../../support/vectors.ts';
import {
  AT,
  type Changes,
  day,
  GOOD,
  rendered,
  restamped,
  SIGNED_AT,
  STAMPED_AT,
  type World,
  world,
} from '../../support/world.ts';

/** Rules on time: validity, revocation, timestamps and what they prove. */

const BEFORE = day('2026-11-20');
const BETWEEN = new Date('2026-11-24T00:00:00Z');
const SHORT = { until: day('2026-12-01') };
const LATER = day('2026-12-10');
const short = world({ seal: SHORT });
const shortCode = world({ code: { until: new Date('2026-11-23T02:00:00Z') } });
const shortStamp = world({ timestamp: SHORT });
const rootRevokes = (at: Date, more: object = {}): Changes => ({
  lists: { root: { entries: [entryOf(GOOD.issuing, at, more)] } },
});
const [Y2028, Y2031, Y2034, Y2051] = [day('2028-06-01'), day('2031-06-01'), day('2034-06-01'), day('2051-06-01')];
/** Revocation lists of a later time, which the verifier fetched. */
const freshAt = (
  at: Date,
  made = GOOD,
  entries: ReturnType<typeof entryOf>[] = [],
): Pick<Changes, 'at' | 'evidence'> => {
  const span = { from: new Date(at.getTime() - 86_400_000), until: new Date(at.getTime() + 86_400_000) };
  const lists = [listOf(made.root, span), listOf(made.issuing, { ...span, entries })];
  return { at, evidence: (evidence) => ({ ...evidence, revocation: lists }) };
};
const unreadable = (bytes: Buffer | string): Changes => ({ bundle: () => Buffer.from(bytes) });

export const TIMES: Vectors = {
  PASSED: [
    ['a seal revoked after its timestamp', revoked('seal', BETWEEN)],
    [
      'a seal revoked after its timestamp because of a compromise after it',
      revoked('seal', AT, { reason: 1, invalidityDate: BETWEEN }),
    ],
    [
      'a hold that a newer list removes',
      {
        lists: { issuing: { from: BEFORE, entries: [entryOf(GOOD.seal, BEFORE, { reason: 6 })] } },
        evidence: (evidence) => ({ ...evidence, revocation: [listOf(GOOD.issuing, { from: BETWEEN })] }),
      },
    ],
    ['an old signature without a timestamp while its certificate is valid', OLD],
    ['a seal expired after its timestamp', { world: short, at: LATER }],
    [
      'an archive stamp that keeps an expired timestamp valid',
      { world: shortStamp, bundle: stamped(BETWEEN), ...freshAt(BETWEEN, shortStamp), at: BETWEEN },
    ],
    ['two archive stamps, years later', { bundle: stamped(Y2028, Y2031), ...freshAt(Y2034) }],
    ['a timestamp revoked after the archive stamp over it', renewed(Y2028, new Date(Y2028.getTime() + 1_000))],
    [
      'a newer timestamp authority after the old one',
      { bundle: (bundle, made) => newAuthority(bundle, made), ...freshAt(Y2031) },
    ],
  ],
  REVOKED: [
    ['a seal revoked before it signed', revoked('seal', BEFORE)],
    ['a seal revoked before it signed a statement', { ...statement(), ...revoked('seal', BEFORE) }],
    [
      'a seal compromised before it signed, revoked after',
      revoked('seal', BETWEEN, { reason: 1, invalidityDate: BEFORE }),
    ],
    ['a seal on hold', revoked('seal', BEFORE, { reason: 6 })],
    ['an old signature of a seal revoked before it signed', { ...OLD, ...revoked('seal', BEFORE) }],
    ['a seal revoked between its signing time and its authorisation', authorisedLater()],
  ],
  EXPIRED: [
    ['a seal that expired before it signed', inWorld({ seal: { until: day('2026-06-01') } })],
    [
      'a seal that expired before its detached signature',
      { ...inWorld({ seal: { until: day('2026-06-01') } }), detached: true },
    ],
    [
      'a seal that expired before it signed, without a timestamp',
      { ...inWorld({ seal: { until: day('2026-06-01') } }), ...OLD },
    ],
  ],
  NOT_YET_VALID: [
    ['a seal not yet in force when it signed', inWorld({ seal: { from: AT } })],
    ['a seal not yet in force at its detached signature', { ...inWorld({ seal: { from: AT } }), detached: true }],
    [
      'a timestamp from before the seal was in force',
      {
        ...inWorld({ seal: { from: new Date(STAMPED_AT.getTime() + 60_000) } }),
        signedAt: new Date(STAMPED_AT.getTime() + 120_000),
      },
    ],
  ],
  REVOKED_NO_POE: [
    ['an old signature of a seal revoked later', { ...OLD, ...revoked('seal', BETWEEN) }],
    [
      'an old signature of a seal compromised later',
      { ...OLD, ...revoked('seal', AT, { reason: 1, invalidityDate: BETWEEN }) },
    ],
    ['a timestamp certificate revoked after the timestamp', revoked('timestamp', BETWEEN)],
    ['a timestamp certificate revoked before the timestamp', revoked('timestamp', BEFORE)],
    ['a code’s certificate revoked before the code was signed', { ...withCode(), ...revoked('code', BEFORE) }],
    ['a timestamp revoked before the archive stamp over it', renewed(Y2028, BETWEEN)],
    ['a revocation between signing time and timestamp', revoked('seal', new Date(SIGNED_AT.getTime() + 1_000))],
  ],
  REVOKED_CA_NO_POE: [
    ['an authority revoked before the signature', rootRevokes(BEFORE)],
    ['an authority revoked after the signature', rootRevokes(BETWEEN)],
    [
      'an authority compromised before the signature, revoked after it',
      rootRevokes(BETWEEN, { reason: 2, invalidityDate: BEFORE }),
    ],
    ['an authority revoked, and an old signature', { ...OLD, ...rootRevokes(BETWEEN) }],
  ],
  OUT_OF_BOUNDS_NO_POE: [
    [
      'an old signature after the seal’s end',
      { ...OLD, world: short, at: LATER, lists: { issuing: { until: day('2026-11-25') } } },
    ],
    [
      'an old signature before the seal’s beginning',
      {
        ...OLD,
        at: BEFORE,
        ...inWorld({ seal: { from: new Date(BEFORE.getTime() + 60_000) } }),
        signedAt: new Date(BEFORE.getTime() + 120_000),
      },
    ],
    ['an authority after its end', { ...OLD, ...inWorld({ issuing: SHORT }), at: LATER }],
    ['a root after its end', { ...OLD, ...inWorld({ root: SHORT }), at: LATER }],
    [
      'a timestamp after its certificate’s end, without lists of that time',
      { world: shortStamp, at: LATER, lists: { issuing: { until: day('2026-11-25') } } },
    ],
  ],
  OUT_OF_BOUNDS_NOT_REVOKED: [
    ['an old signature after the seal’s end, not revoked until then', { ...OLD, world: short, at: LATER }],
    [
      'an old statement after the seal’s end, not revoked until then',
      { ...statement(), token: null, world: short, at: LATER },
    ],
    ['a timestamp after its certificate’s end, not revoked until then', { world: shortStamp, at: LATER }],
    [
      'an archive stamp too late for the timestamp',
      { world: shortStamp, bundle: (bundle, made) => newAuthority(bundle, made, LATER), ...freshAt(LATER, shortStamp) },
    ],
  ],
  CRYPTO_CONSTRAINTS_FAILURE_NO_POE: [
    [
      'an old signature after the algorithms’ end',
      { ...OLD, ...inWorld({ seal: { until: day('2060-01-01') } }), at: Y2051 },
    ],
    ['a timestamp after the algorithms’ end', { ...freshAt(Y2051) }],
    ['an archive stamp of the same algorithms after their end', { bundle: stamped(Y2034), ...freshAt(Y2051) }],
  ],
  NO_POE: [
    ['a seal in a PDF without a timestamp', { token: null }],
    ['archive stamps over a signature without a timestamp', { ...OLD, bundle: stamped(BETWEEN) }],
    [
      'an archive stamp over another bundle',
      { bundle: (bundle, made) => ({ ...stamped(BETWEEN)(bundle, made), status: 'changed' }) },
    ],
    [
      'an archive stamp left out',
      { bundle: (bundle, made) => ({ ...bundle, stamps: stamped(BETWEEN, AT)(bundle, made).stamps.slice(1) }) },
    ],
    [
      'an archive stamp that is garbage',
      { bundle: (bundle) => ({ ...bundle, stamps: [{ certificates: [], revocation: [], token: 'AAAA' }] }) },
    ],
    ['a bundle that is not JSON', unreadable('garbage')],
    ['a bundle of another format', { bundle: (bundle) => Buffer.from(JSON.stringify({ ...bundle, format: 'other' })) }],
    ['a bundle with an unknown field', { bundle: (bundle) => Buffer.from(JSON.stringify({ ...bundle, more: 1 })) }],
    [
      'a bundle that is too long',
      { bundle: (bundle) => Buffer.from(JSON.stringify(bundle).padEnd(BUNDLE_LIMIT_BYTES + 1)) },
    ],
  ],
  TIMESTAMP_ORDER_FAILURE: [
    ['a timestamp from the future', { token: { genTime: day('2026-11-26') } }],
    ['an archive stamp before the signature’s timestamp', { bundle: stamped(BEFORE) }],
    ['a second archive stamp before the first', { at: Y2031, bundle: stamped(Y2028, day('2028-05-01')) }],
    ['an archive stamp from the future', { bundle: stamped(Y2028) }],
  ],
  TRY_LATER: [
    ['an invalid verification time', { at: new Date(Number.NaN) }],
    ['a timestamp years later, without lists of that time', { at: Y2028 }],
    ['archive stamps years later, without lists of that time', { at: Y2031, bundle: stamped(Y2028) }],
    [
      'only lists made after the seal’s end',
      {
        ...freshAt(LATER, short),
        ...{ world: short, lists: { issuing: null } },
      },
    ],
    [
      'a code’s certificate that ended before the list was made',
      { world: shortCode, ...withCode(codeText(shortCode)), lists: { issuing: { from: BETWEEN } } },
    ],
  ],
};

/** One archive stamp at `on`, and a later list that revokes the timestamp certificate from `effective`. */
function renewed(on: Date, effective: Date): Changes {
  const second = certify({
    ...{ organisation: record.ZZBFJG, common: '时间戳二', issuer: GOOD.issuing, pair: GOOD.status.pair },
    ...{ usage: 0x80, purposes: ['1.3.6.1.5.5.7.3.8'], until: day('2060-01-01') },
  });
  return {
    bundle: (bundle, made) => restamped(bundle, made, on, { by: second }),
    ...freshAt(Y2031, GOOD, [entryOf(GOOD.timestamp, effective)]),
  };
}

function newAuthority(bundle: Bundle, made: World, on = Y2028): Bundle {
  const by = certify({
    ...{ organisation: '时间戳', common: '新时间戳', issuer: made.issuing, pair: made.code.pair },
    ...{ usage: 0x80, purposes: ['1.3.6.1.5.5.7.3.8'], until: day('2060-01-01') },
  });
  return restamped(bundle, made, on, { by });
}

/** In the record the seal is authorised after its revocation. In the PDF the signing time is before it. */
function authorisedLater(): Changes {
  const at = new Date(SIGNED_AT.getTime() + 1_000);
  const content = rendered({ ZZQZSJ: new Date(at.getTime() + 500).toISOString() });
  return { content, ...revoked('seal', at) };
}
