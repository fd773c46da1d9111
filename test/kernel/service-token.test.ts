import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { readPublicKeys, SERVICES, writePublicKeys } from '../../subgraphs/kernel/sealing/service-keys.ts';
import {
  generateServiceKeys,
  readServiceToken,
  writeServiceToken,
} from '../../subgraphs/kernel/sealing/service-token.ts';
import { readToken, TokenError } from '../../subgraphs/kernel/sealing/token.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from '../support/actors.ts';
import { forgeIdentity, identities, servicePublicKeys, servicesOf } from '../support/services.ts';

const atSecond = (second: number) => new Date(Date.UTC(2026, 10, 26, 9, 0, second));
const SIGNER = servicesOf('signer');

describe("a process's token", () => {
  test('is reused for twenty seconds, and not valid after a minute', async () => {
    const write = (second: number) => writeServiceToken(identities.seals, 'signer', atSecond(second));
    const firstToken = await write(0);
    expect(await write(19)).toBe(firstToken);
    expect(await write(20)).not.toBe(firstToken);
    expect(await readServiceToken(firstToken, SIGNER, atSecond(59))).toBe('seals');
    const late = readServiceToken(firstToken, SIGNER, new Date(atSecond(0).getTime() + 120_000));
    await expect(late).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
  });

  test.each(SERVICES)('of %s names it, to the receiver that it is written for', async (service) => {
    const token = await writeServiceToken(identities[service], 'cases', atSecond(0));
    expect(await readServiceToken(token, servicesOf('cases'), atSecond(0))).toBe(service);
    for (const receiver of ['matters', 'licenses', 'seals', 'signer'] as const)
      await expect(readServiceToken(token, servicesOf(receiver), atSecond(0))).rejects.toThrow(TokenError);
  });

  test('proves nothing under another key, name, kind, algorithm or without an end', async () => {
    const { privateKey } = identities.seals;
    const sign = (header: object, claims: object, key: Parameters<SignJWT['sign']>[0] = privateKey) =>
      new SignJWT({ iss: 'seals', aud: 'signer', exp: atSecond(30).getTime() / 1000, ...claims })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'tongquan-service+jwt', ...header })
        .sign(key);
    const publicPem = servicePublicKeys.seals[0]?.export({ type: 'spki', format: 'pem' }).toString() ?? '';
    const forged = [
      await writeServiceToken(forgeIdentity('seals'), 'signer', atSecond(0)),
      await writeServiceToken({ service: 'seals', privateKey: identities.cases.privateKey }, 'signer', atSecond(0)),
      await sign({ typ: 'JWT' }, {}),
      await sign({}, { exp: undefined }),
      await sign({}, { iss: 'constructor' }),
      await sign({}, { iss: undefined }),
      await sign({}, { aud: ['cases'] }),
      await sign({ alg: 'HS256' }, {}, Buffer.from(publicPem)),
      await sign({ alg: 'ES256' }, {}, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
      `${Buffer.from('{"alg":"none","typ":"tongquan-service+jwt"}').toString('base64url')}.${Buffer.from('{"iss":"seals","aud":"signer","exp":9999999999}').toString('base64url')}.`,
      await tokenFor(requireDemoPerson('administrator'), atSecond(0)),
      '',
      'x',
    ];
    expect(await readServiceToken(await sign({}, {}), SIGNER, atSecond(0))).toBe('seals');
    for (const token of forged)
      await expect(readServiceToken(token, SIGNER, atSecond(0)), token).rejects.toMatchObject({
        code: 'TOKEN_INVALID',
      });
  });

  test('counts under the old and the new key while the key is changed', async () => {
    const next = generateServiceKeys();
    const both = { ...servicePublicKeys, seals: [...servicePublicKeys.seals, ...next.publicKeys.seals] };
    for (const identity of [identities.seals, next.identities.seals]) {
      const token = await writeServiceToken(identity, 'signer', atSecond(0));
      expect(await readServiceToken(token, { receiver: 'signer', publicKeys: both }, atSecond(0))).toBe('seals');
    }
    const old = await writeServiceToken(identities.seals, 'signer', atSecond(0));
    const check = { receiver: 'signer' as const, publicKeys: next.publicKeys };
    await expect(readServiceToken(old, check, atSecond(0))).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });
});

describe('the public keys of the processes', () => {
  test('are read as they were written', () => {
    const read = readPublicKeys(writePublicKeys(servicePublicKeys));
    for (const service of SERVICES)
      expect(read[service].map((key) => key.export({ format: 'jwk' }))).toEqual(
        servicePublicKeys[service].map((key) => key.export({ format: 'jwk' })),
      );
  });

  test.each([
    ['no JSON', 'x'],
    ['no set', '[]'],
    ['an unknown process', '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"%","kid":"somebody"}]}'],
    ['no name', '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"%"}]}'],
    ['another curve', '{"keys":[{"kty":"OKP","crv":"X25519","x":"%","kid":"seals"}]}'],
    ['a private key', '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"%","kid":"seals","d":"%"}]}'],
    ['a short key', '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"seals"}]}'],
  ])('are refused: %s', (_title, text) => {
    expect(() => readPublicKeys(text.replaceAll('%', 'A'.repeat(43)))).toThrow();
  });
});

describe("a person's token", () => {
  const at = atSecond(0);
  const texts = { ...requireDemoPerson('window-yudu'), organ: 'yudu-lyj', window: '360731', holderCode: '1' };
  const read = async (changes: object) =>
    readToken(await tokenFor({ ...texts, ...changes }, at), tokenKeys.publicKey, at);

  test('is read as it was written', async () => {
    expect(await read({})).toEqual(texts);
  });
  test.each(['id', 'name', 'organ', 'window', 'holderCode'])(
    'is invalid if its %s is no line of text',
    async (name) => {
      for (const wrong of ['', '3\n1', '3\u00001', '3\u202e1', '3\u200b1', '3\ue0001'])
        await expect(read({ [name]: wrong }), JSON.stringify(wrong)).rejects.toThrow(TokenError);
    },
  );
});
