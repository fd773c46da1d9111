import { z } from 'zod';
import { toCanonicalJson } from '../../../kernel/events/events.ts';
import { isAhead } from '../../../kernel/period/freshness.ts';
import { REGISTER_TYP, type RegisterStatement, registerStatement } from '../../../kernel/sealing/attest.ts';
import { type Certificate, readCertificate } from '../format/certificate.ts';
import type { Grounds } from '../format/timestamp.ts';
import { findPath, STATUS } from '../path.ts';
import { Failure, formatTime } from '../verdict.ts';
import { isSignedBy, type Jws, readJws, requireHeader } from './jws.ts';

/**
 * Reads and checks a statement of the register (登记声明), a compact JWS with the certificate of its signer. Only a
 * certificate for statements can sign one: a seal's or a code's cannot.
 */

const chainForm = z.tuple([z.string()]);

/** A statement that was read. Nothing of it is verified yet. */
export interface ReadStatement {
  jws: Jws;
  signer: Certificate;
  statement: RegisterStatement;
}

/** Whether a file may be a compact JWS: its first member is base64url of an object. */
export function isJws(file: Uint8Array): boolean {
  return Buffer.from(file.subarray(0, 2)).toString('latin1') === 'ey';
}

/** Reads a statement. Throws Failure FORMAT_FAILURE unless it has the closed form, in canonical JSON (RFC 8785). */
export function readRegisterStatement(file: Uint8Array): ReadStatement {
  const text = Buffer.from(file).toString('latin1');
  const jws = readJws(text);
  requireHeader(jws, REGISTER_TYP, ['x5c']);
  const chain = chainForm.safeParse(jws.header.x5c);
  const claims = registerStatement.safeParse(jws.payload);
  const isCanonical =
    claims.success &&
    Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8') === toCanonicalJson(claims.data);
  if (!chain.success || !isCanonical) throw new Failure('FORMAT_FAILURE', '登记声明不是规定的形式');
  return { jws, signer: readCertificate(Buffer.from(chain.data[0], 'base64')), statement: claims.data };
}

/** Checks the signature. Throws Failure SIG_CRYPTO_FAILURE. */
export function requireRegisterSignature({ jws, signer }: ReadStatement): string {
  if (!isSignedBy(jws, signer.key)) throw new Failure('SIG_CRYPTO_FAILURE', '登记声明的签名不正确');
  return 'ES256';
}

/** Checks that the register's key signed it: its certificate serves only statements, below a trusted root. */
export function requireRegister({ signer, statement }: ReadStatement, grounds: Grounds, now: Date): string {
  const { roots, candidates, lists } = grounds;
  const claimed = new Date(statement.iat * 1000);
  if (isAhead(claimed, now)) throw new Failure('SIG_CONSTRAINTS_FAILURE', `声明的时间 ${formatTime(claimed)} 在将来`);
  const moment = { at: now, proven: false, now, claimed };
  const path = findPath({ certificate: signer, candidates, roots, lists, moment, purpose: STATUS });
  return `${path.map((member) => member.commonName).join(' ← ')}，在 ${formatTime(now)} 有效、未吊销`;
}
