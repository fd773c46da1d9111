import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, FlattenedSign } from 'jose';
import { linesFor } from './content.ts';
import { COMPANY, ROUTES, runMutation } from './flow.ts';
import type { TestHub } from './hub.ts';
import { administer } from './proposal.ts';

/** A city's approval platform that the test plays. It signs any message. */

export const PLATFORM_ORGAN = 'ganzhou-xzspj';
const PLATFORM_AUDIENCE = 'http://127.0.0.1:4000/cases/platform/v1/messages';
const PATH = new URL(PLATFORM_AUDIENCE).pathname;
export const PATH_V2 = '/cases/platform/v2/messages';

/** Returns what a platform signs as `aud` for messages to this path of the hub. */
export function audienceOf(path: string): string {
  return new URL(path, PLATFORM_AUDIENCE).href;
}

export interface PlatformKeys {
  privateKey: KeyObject;
  /** SPKI PEM. */
  publicKey: string;
  kid: string;
}

export async function createPlatformKeys(): Promise<PlatformKeys> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { kty, crv, x } = publicKey.export({ format: 'jwk' }) as Record<string, string>;
  const kid = await calculateJwkThumbprint({ kty, crv, x } as never);
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), kid };
}

/** Signs a detached JWS over `body`. `header` overrides the correct header. */
export async function signMessage(keys: PlatformKeys, body: string, at: Date, header: object = {}): Promise<string> {
  const iat = Math.floor(at.getTime() / 1000);
  const protectedHeader = { alg: 'EdDSA', kid: keys.kid, iat, aud: PLATFORM_AUDIENCE, ...header };
  const jws = await new FlattenedSign(Buffer.from(body)).setProtectedHeader(protectedHeader).sign(keys.privateKey);
  return `${jws.protected}..${jws.signature}`;
}

/** Builds a correct message of a platform. */
export function buildMessage(type: string, caseNumber: string, at: Date, overrides: object = {}) {
  const clerk = { id: 'zhang.wei', name: '张伟' };
  return { id: randomUUID(), type, caseNumber, organ: PLATFORM_ORGAN, at: at.toISOString(), by: clerk, ...overrides };
}

export const GRANT_BODY = { decision: 'GRANTED', authoriseSeal: true };

export interface PlatformAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the shape of the answer depends on the test's message
  body: any;
  text: string;
}

/** Posts a body with a signature, or without one if it is null. */
export async function postMessage(
  hub: TestHub,
  body: string,
  signature: string | null,
  url = PATH,
): Promise<PlatformAnswer> {
  const headers = {
    'content-type': 'application/json',
    ...(signature === null ? {} : { 'x-jws-signature': signature }),
  };
  const response = await hub.hub.app.inject({ method: 'POST', url, headers, payload: body });
  return { status: response.statusCode, body: response.json(), text: response.body };
}

const PLATFORM_FIELDS =
  'platform { id: uuid secretVersion audience keys { id: kid validFrom validTo } removedAt } secret';

/** Registers a platform as the administrator. Throws if the hub refuses. */
export async function registerPlatform(hub: TestHub, keys: PlatformKeys, overrides: object = {}) {
  const input = {
    organ: PLATFORM_ORGAN,
    name: '赣州市审批平台',
    url: 'http://127.0.0.1:9/',
    publicKey: keys.publicKey,
    ...overrides,
  };
  const registration = await administer(hub, 'registerPlatform', 'RegisterPlatformInput', input, PLATFORM_FIELDS);
  if (!registration.platform) throw new Error(JSON.stringify(registration));
  return { ...registration.platform, secret: registration.secret as string };
}

/** Accepts, examines and forwards (转报) a case. Returns its id and number. */
export async function createForwardedCase(
  hub: TestHub,
  route: (typeof ROUTES)['SUBSTANTIVE_REVIEW' | 'WINDOW_FORWARD'] = ROUTES.WINDOW_FORWARD,
  materials: readonly object[] = [],
) {
  const input = { matter: route.matter, applicant: COMPANY, fields: linesFor(route.matter), materials };
  const { case: acceptedCase } = await runMutation(
    hub,
    route.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id: uuid number }',
  );
  const examination = { case: acceptedCase.id, finding: 'APPROVED', opinion: '材料齐全' };
  await runMutation(hub, route.examines, 'examineCase', 'ExamineCaseInput', examination, 'case { id }');
  await runMutation(hub, route.forwards, 'forwardCase', 'CaseNoteInput', { case: acceptedCase.id }, 'case { id }');
  return acceptedCase as { id: string; number: string };
}
