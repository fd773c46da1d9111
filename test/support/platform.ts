import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, FlattenedSign } from 'jose';
import { act, COMPANY, ROUTES } from './flow.ts';
import type { TestHub } from './hub.ts';

/** A city's approval platform that the test plays. It signs any message. */

export const ORGAN = 'ganzhou-xzspj';
export const AUDIENCE = 'http://127.0.0.1:4000/cases/platform/v1/messages';
const PATH = new URL(AUDIENCE).pathname;

export interface PlatformKeys {
  privateKey: KeyObject;
  /** SPKI PEM. */
  publicKey: string;
  kid: string;
}

export async function platformKeys(): Promise<PlatformKeys> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { kty, crv, x } = publicKey.export({ format: 'jwk' }) as Record<string, string>;
  const kid = await calculateJwkThumbprint({ kty, crv, x } as never);
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), kid };
}

/** Signs a detached JWS over `body`. `header` overrides the correct header. */
export async function signAs(keys: PlatformKeys, body: string, at: Date, header: object = {}): Promise<string> {
  const iat = Math.floor(at.getTime() / 1000);
  const protectedHeader = { alg: 'EdDSA', kid: keys.kid, iat, aud: AUDIENCE, ...header };
  const signed = await new FlattenedSign(Buffer.from(body)).setProtectedHeader(protectedHeader).sign(keys.privateKey);
  return `${signed.protected}..${signed.signature}`;
}

/** Builds a correct message of a platform. */
export function messageOf(type: string, caseNumber: string, at: Date, more: object = {}) {
  const by = { id: 'zhang.wei', name: '张伟' };
  return { id: randomUUID(), type, caseNumber, organ: ORGAN, at: at.toISOString(), by, ...more };
}

export const GRANT = { decision: 'GRANTED', authoriseSeal: true };

export interface PlatformAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the shape of the answer depends on the test's message
  body: any;
  text: string;
}

/** Posts a body with a signature, or without one if it is null. */
export async function postMessage(hub: TestHub, body: string, signature: string | null): Promise<PlatformAnswer> {
  const headers = {
    'content-type': 'application/json',
    ...(signature === null ? {} : { 'x-jws-signature': signature }),
  };
  const response = await hub.hub.app.inject({ method: 'POST', url: PATH, headers, payload: body });
  return { status: response.statusCode, body: response.json(), text: response.body };
}

const PLATFORM = 'platform { id secretVersion audience keys { id validFrom validTo } removedAt } secret';

/** Registers a platform as the administrator. Throws if the hub refuses. */
export async function registerPlatform(hub: TestHub, keys: PlatformKeys, more: object = {}) {
  const input = {
    organ: ORGAN,
    name: '赣州市审批平台',
    url: 'http://127.0.0.1:9/',
    publicKey: keys.publicKey,
    ...more,
  };
  const made = await act(hub, 'administrator', 'registerPlatform', 'RegisterPlatformInput', input, PLATFORM);
  if (!made.platform) throw new Error(JSON.stringify(made));
  return { ...made.platform, secret: made.secret as string };
}

/** Accepts, examines and forwards (转报) a case. Returns its id and number. */
export async function forwardedCase(
  hub: TestHub,
  route: (typeof ROUTES)['SUBSTANTIVE_REVIEW' | 'WINDOW_FORWARD'] = ROUTES.WINDOW_FORWARD,
) {
  const input = { matter: route.matter, applicant: COMPANY, fields: [{ label: '经营范围', text: '示范' }] };
  const { case: made } = await act(hub, route.accepts, 'acceptCase', 'ApplicationInput', input, 'case { id number }');
  const examine = { case: made.id, finding: 'APPROVED', opinion: '材料齐全' };
  await act(hub, route.examines, 'examineCase', 'ExamineCaseInput', examine, 'case { id }');
  await act(hub, route.forwards, 'forwardCase', 'CaseNoteInput', { case: made.id }, 'case { id }');
  return made as { id: string; number: string };
}
