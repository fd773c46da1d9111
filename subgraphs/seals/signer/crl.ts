import type { EndReason } from '../seal.ts';
import { computeKeyIdentifier } from './certificate-fields.ts';
import {
  algorithm,
  bigInteger,
  bits,
  children,
  context,
  contextOctets,
  enumerated,
  generalizedTime,
  integer,
  type Node,
  OID,
  octets,
  oid,
  parse,
  sequence,
  time,
  toBytes,
} from './der.ts';

/** CRLReason of RFC 5280 §5.3.1. */
const REASON_CODES: Record<EndReason, number> = { KEY_COMPROMISE: 1, SUPERSEDED: 4, CESSATION_OF_OPERATION: 5 };

/** A revoked certificate. */
export interface RevokedCertificate {
  /** Serial number of the certificate, hex. */
  serial: string;
  reason: EndReason;
  revokedAt: Date;
  /** Since when the key may be compromised, or null. */
  compromisedAt: Date | null;
}

/** The content of a revocation list. */
export interface ListRequest {
  /** Certificate (DER) of the authority whose list it is. */
  certificate: Uint8Array;
  publicKeyPem: string;
  number: number;
  thisUpdate: Date;
  nextUpdate: Date;
  revoked: readonly RevokedCertificate[];
  /** Certificates that expired since then stay listed (expiredCertsOnCRL, X.509): no entry is ever removed. */
  completeSince: Date;
}

/**
 * Builds a revocation list (证书吊销列表), DER: a CRL of version 2 (RFC 5280 §5). `sign` signs with the authority's RSA key
 * and SHA-256.
 */
export function makeRevocationList(request: ListRequest, sign: (data: Uint8Array) => Uint8Array): Uint8Array {
  const [, , , , , issuer] = children(children(parse(request.certificate))[0]);
  if (!issuer) throw new TypeError('not an X.509 v3 certificate');
  const keyId = sequence([contextOctets(0, computeKeyIdentifier(request.publicKeyPem))]);
  const tbsCertList = sequence([
    integer(1),
    algorithm(OID.sha256WithRsa),
    issuer,
    time(request.thisUpdate),
    time(request.nextUpdate),
    // RFC 5280 §5.1.2.6: an empty list of entries is left out.
    ...(request.revoked.length > 0 ? [sequence(request.revoked.map(buildEntry))] : []),
    context(0, [
      sequence([
        buildExtension(OID.authorityKeyIdentifier, keyId),
        buildExtension(OID.crlNumber, integer(request.number)),
        buildExtension(OID.expiredCertsOnCrl, generalizedTime(request.completeSince)),
      ]),
    ]),
  ]);
  return toBytes(sequence([tbsCertList, algorithm(OID.sha256WithRsa), bits(sign(toBytes(tbsCertList)))]));
}

function buildEntry({ serial, reason, revokedAt, compromisedAt }: RevokedCertificate): Node {
  const extensions = [buildExtension(OID.reasonCode, enumerated(REASON_CODES[reason]))];
  if (compromisedAt) extensions.push(buildExtension(OID.invalidityDate, generalizedTime(compromisedAt)));
  return sequence([bigInteger(serial), time(revokedAt), sequence(extensions)]);
}

/** Builds an extension that is not critical. */
function buildExtension(type: string, value: Node): Node {
  return sequence([oid(type), octets(toBytes(value))]);
}
