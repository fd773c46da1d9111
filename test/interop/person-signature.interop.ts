import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  computeChallenge,
  type PersonSignature,
  writeAuthorisationText,
} from '../../subgraphs/kernel/sealing/person-signature.ts';
import { IDENTITY, registrars, sealWith, statementOf, usePersonSigner, withSignature } from '../seals/person-signer.ts';
import { newRequest } from '../seals/requests.ts';
import { launchBrowser, openPage } from '../support/browser.ts';
import { PARTY, register } from '../support/person-keys.ts';

/** Chromium with its virtual authenticator (CDP) registers a credential and signs, as a person's browser does. */

const context = usePersonSigner();

/** Functions of every script in the page. */
const CODECS = `const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  const toBytes = (text) =>
    Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));`;

let browser: Browser;
let page: Page;
let cdp: CDPSession;
let authenticatorId: string;
beforeAll(async () => {
  browser = await launchBrowser();
  page = (await openPage(browser)).page;
  await page.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '<title>页面</title>' }));
  cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
});
afterEach(() => cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId }));
afterAll(() => browser?.close());

/** Adds an authenticator, makes a credential on a page of the relying party, and registers it. Returns its id. */
async function createCredential(algorithm: number, verifiesUser = true): Promise<string> {
  const options = { protocol: 'ctap2', transport: 'usb', automaticPresenceSimulation: true } as const;
  const added = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { ...options, hasUserVerification: verifiesUser, isUserVerified: verifiesUser },
  });
  authenticatorId = added.authenticatorId;
  await page.goto(`${PARTY.origins[0]}/register`);
  const { id, spki } = await page.evaluate<{ id: string; spki: string }>(`(async () => {
    ${CODECS}
    const credential = await navigator.credentials.create({ publicKey: {
      challenge: new Uint8Array(32),
      rp: { id: '${PARTY.rpId}', name: '枢纽' },
      user: { id: new Uint8Array(8), name: 'approver', displayName: '决定人' },
      pubKeyCredParams: [{ type: 'public-key', alg: ${algorithm} }],
      authenticatorSelection: { userVerification: '${verifiesUser ? 'required' : 'discouraged'}' },
    } });
    return { id: credential.id, spki: toText(credential.response.getPublicKey()) };
  })()`);
  const lines =
    Buffer.from(spki, 'base64url')
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  const key = `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`;
  context.use(register({ id, kind: 'WEBAUTHN', key }, IDENTITY, registrars));
  return id;
}

/** Has the authenticator sign a text, asked by the page that is open. */
async function assertInPage(id: string, text: string, userVerification = 'required'): Promise<PersonSignature> {
  const { signature, ...webauthn } = await page.evaluate<
    Record<'signature' | 'authenticatorData' | 'clientDataJson', string>
  >(
    `(async () => {
      ${CODECS}
      const { response } = await navigator.credentials.get({ publicKey: {
        challenge: toBytes('${computeChallenge(text)}'),
        rpId: '${PARTY.rpId}',
        allowCredentials: [{ type: 'public-key', id: toBytes('${id}') }],
        userVerification: '${userVerification}',
      } });
      return {
        signature: toText(response.signature),
        authenticatorData: toText(response.authenticatorData),
        clientDataJson: toText(response.clientDataJSON),
      };
    })()`,
  );
  return { credential: id, signature, webauthn };
}

/** Requires what the signer does with a license that the browser signed, in process and over HTTP. */
async function expectSigned(outcome: string, id: string, userVerification?: string): Promise<void> {
  const request = newRequest();
  const signature = await assertInPage(id, writeAuthorisationText(statementOf(request)), userVerification);
  const signed = await withSignature(context, request, () => signature);
  const elsewhere = await withSignature(context, newRequest(), () => signature);
  for (const [name, signer] of context.signers) {
    expect([name, await sealWith(context, signer, signed)]).toEqual([name, outcome]);
    expect([name, await sealWith(context, signer, elsewhere)]).toEqual([name, 'PERSON_SIGNATURE_INVALID']);
  }
}

test.each([
  ['ES256', -7],
  ['RS256', -257],
])('an assertion by Chromium with %s seals what was signed and nothing else', async (_, algorithm) => {
  await expectSigned('SEALED', await createCredential(algorithm));
});

test('an assertion on another page of the relying party’s domain does not count', async () => {
  const id = await createCredential(-7);
  await page.goto(`https://other.${PARTY.rpId}/`);
  await expectSigned('PERSON_SIGNATURE_INVALID', id);
});

test('an assertion without verification of the user does not count', async () => {
  await expectSigned('PERSON_SIGNATURE_INVALID', await createCredential(-7, false), 'discouraged');
});
