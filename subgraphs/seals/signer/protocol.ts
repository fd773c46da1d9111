import { z } from 'zod';
import { instantSchema } from '../../kernel/day-schema.ts';
import { attestActsRequest, attestRequest } from '../../kernel/sealing/attest.ts';
import { personSigningAnswer, personSigningRequest } from '../../kernel/sealing/person-signature.ts';
import { base64Bytes, codeRequest, signRequest } from '../../kernel/sealing/sign.ts';
import type { Signer } from './signer.ts';

/**
 * Messages to and from a signer in another process: JSON, bytes in base64, times in RFC 3339, one `POST /<order>` each.
 * A document to be sealed follows the order's JSON as raw bytes. It is by far the largest part, and base64 would write
 * and read it several times.
 */

const time = z.codec(instantSchema, z.date(), {
  decode: (text) => new Date(text),
  encode: (at) => at.toISOString(),
});
const pem = z.string().max(16_384);
const keyRef = z.object({ keyId: z.string().min(1).max(200), encrypted: base64Bytes });
const certifiedKey = keyRef.extend({ certificatePem: pem });
const name = z.object({ organisation: z.string(), unit: z.string(), commonName: z.string() });
const authoriser = z.object({ actor: z.string(), actorName: z.string() });

const certificateRequest = z.object({
  profile: z.enum(['root', 'issuing', 'seal', 'code', 'timestamp', 'status']),
  subject: name,
  publicKeyPem: pem,
  issuer: name,
  issuerPublicKeyPem: pem,
  validFrom: time,
  validUntil: time,
});

const listRequest = z.object({
  certificate: base64Bytes,
  publicKeyPem: pem,
  number: z.int().positive(),
  thisUpdate: time,
  nextUpdate: time,
  completeSince: time,
  revoked: z.array(
    z.object({
      serial: z.string(),
      reason: z.enum(['KEY_COMPROMISE', 'CESSATION_OF_OPERATION', 'SUPERSEDED']),
      revokedAt: time,
      compromisedAt: time.nullable(),
    }),
  ),
});

const sealRequest = signRequest.extend({ document: z.instanceof(Uint8Array<ArrayBufferLike>) });

/** Order and answer of each function of `Signer`. */
export const ORDERS = {
  generate: {
    order: z.object({ keyId: z.string().min(1).max(200), kind: z.enum(['RSA-3072', 'P-256', 'Ed25519']) }),
    answer: z.object({ publicKeyPem: pem, encrypted: base64Bytes }),
  },
  rewrap: { order: keyRef, answer: base64Bytes },
  certify: { order: z.object({ authority: keyRef, request: certificateRequest }), answer: pem },
  request: { order: z.object({ key: keyRef, subject: name, publicKeyPem: pem }), answer: pem },
  publishList: { order: z.object({ authority: keyRef, request: listRequest }), answer: base64Bytes },
  stamp: { order: z.object({ key: certifiedKey, digest: base64Bytes }), answer: base64Bytes },
  attest: { order: z.object({ key: certifiedKey, request: attestRequest }), answer: z.string() },
  attestActs: {
    order: z.object({ key: certifiedKey, request: attestActsRequest }),
    answer: z.array(z.string()),
  },
  checkpoint: { order: z.object({ key: keyRef, text: z.string().max(1_000) }), answer: base64Bytes },
  seal: {
    order: z.object({ key: keyRef, chain: z.tuple([pem], pem), stamp: certifiedKey, request: sealRequest }),
    answer: z.object({ signature: base64Bytes, signedAt: time, by: authoriser }),
  },
  code: {
    order: z.object({ key: certifiedKey, request: codeRequest }),
    answer: z.object({ code: z.string(), by: authoriser }),
  },
  personSigning: { order: personSigningRequest, answer: personSigningAnswer },
} satisfies Record<keyof Signer, { order: z.ZodType; answer: z.ZodType }>;

export type OrderName = keyof typeof ORDERS;
export const ORDER_NAMES = Object.keys(ORDERS) as OrderName[];

/** The content type of an order with a document: its JSON without it, a line feed, and the document. */
export const DOCUMENT_CONTENT_TYPE = 'application/octet-stream';

/** Builds the request body of an encoded order. */
export function writeOrder(order: object): { type: string; body: string | Buffer<ArrayBuffer> } {
  const { request } = order as { request?: { document?: unknown } };
  const document = request?.document;
  if (!(document instanceof Uint8Array)) return { type: 'application/json', body: JSON.stringify(order) };
  const header = JSON.stringify({ ...order, request: { ...request, document: undefined } });
  return { type: DOCUMENT_CONTENT_TYPE, body: Buffer.concat([Buffer.from(`${header}\n`), document]) };
}

/**
 * Parses the body of an order with a document. The result is still to be decoded. Throws SyntaxError if the body is
 * malformed.
 */
export function parseOrder(body: Buffer): object {
  const end = body.indexOf('\n');
  const order = JSON.parse(body.toString('utf8', 0, Math.max(end, 0)));
  return { ...order, request: { ...order?.request, document: new Uint8Array(body.subarray(end + 1)) } };
}
