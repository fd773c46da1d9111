import { describe, expect, test } from 'vitest';
import { LICENSE_STATES, REGISTER_ACT_NAMES } from '../../subgraphs/kernel/license-acts.ts';
import { type AttestRequest, attestRequest, registerStatement } from '../../subgraphs/kernel/sealing/attest.ts';
import {
  FREE_VALUES,
  holdAttestation,
  lapseAttestation,
  listAttestations,
  releaseAttestation,
  spoilAttestation,
  stateAttestation,
} from '../support/attestation.ts';
import { openSignerFixture } from './signer-fixture.ts';

/** Everything that the register's key signs has a closed form. The tests walk every type and every claim of it. */

/** Every path of a value to a member, as its keys. */
function listPaths(value: object, above: readonly string[] = []): string[][] {
  return Object.entries(value).flatMap(([key, member]) => [
    [...above, key],
    ...(typeof member === 'object' && member !== null ? listPaths(member, [...above, key]) : []),
  ]);
}

function withMember(claims: object, [key = '', ...below]: readonly string[], value: unknown): object {
  const member = (claims as Record<string, object>)[key];
  return { ...claims, [key]: below.length === 0 ? value : withMember(member ?? {}, below, value) };
}

const isSigned = (request: unknown) => attestRequest.safeParse(request).success;

describe.each(listAttestations().map((request): [string, AttestRequest] => [request.typ, request]))(
  '%s',
  (typ, { claims }) => {
    test('is signed as the hub builds it', () => {
      expect(isSigned({ typ, claims })).toBe(true);
    });

    test.each(listPaths(claims).map((path) => [path.join('.'), path] as const))(
      'is refused with free words or nothing as its %s',
      (_, path) => {
        for (const value of FREE_VALUES)
          expect([value, isSigned({ typ, claims: withMember(claims, path, value) })]).toEqual([value, false]);
        expect(isSigned({ typ, claims: withMember(claims, path, undefined) })).toBe(false);
      },
    );

    test('is refused with a claim of no form, at any depth', () => {
      const objects = [[], ...listPaths(claims).filter((path) => typeof readMember(claims, path) === 'object')];
      for (const path of objects)
        expect(isSigned({ typ, claims: withMember(claims, [...path, 'note'], '兹证明') })).toBe(false);
    });

    test('is refused under the type of another', () => {
      for (const other of listAttestations()) expect(isSigned({ typ: other.typ, claims })).toBe(other.typ === typ);
      for (const other of ['JWT', '', typ.toUpperCase(), undefined])
        expect(isSigned({ typ: other, claims })).toBe(false);
    });
  },
);

function readMember(claims: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], claims);
}

test('a statement is about the version that its identifier names, and ends in time', () => {
  const { typ, claims } = stateAttestation();
  expect(isSigned({ typ, claims: { ...claims, version: 2 } })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, exp: claims.iat } })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, exp: claims.iat + 604_801 } })).toBe(false);
});

test('a sheet is spoiled for a reason of the list, and replaced by another', () => {
  const { typ, claims } = spoilAttestation();
  for (const reason of ['MISPRINT', 'DAMAGED', 'WRONG_BLANK', 'PRINTER_FAULT', 'UNCODED'])
    expect(isSigned({ typ, claims: { ...claims, reason } })).toBe(true);
  for (const reason of ['打印错位', 'misprint', 'OTHER'])
    expect(isSigned({ typ, claims: { ...claims, reason } })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, replacement: claims.spoiled } })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, version: 2 } })).toBe(false);
});

test('time has ended a license only after its last day in Asia/Shanghai', () => {
  const { typ, claims } = lapseAttestation();
  const at = (time: string) => Date.parse(time) / 1000;
  expect(isSigned({ typ, claims })).toBe(true);
  const until = '2026-12-28';
  expect(isSigned({ typ, claims: { ...claims, until, iat: at('2026-12-28T16:00:00Z') } })).toBe(true);
  expect(isSigned({ typ, claims: { ...claims, until, iat: at('2026-12-28T15:59:59Z') } })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, state: 'CANCELLED' } as never })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, version: 2 } })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, by: '0'.repeat(64) } as never })).toBe(false);
});

test('a renewal holds off the end only of a license in force, if it was accepted by its last day and by now', () => {
  const { typ, claims } = holdAttestation();
  expect(isSigned({ typ, claims })).toBe(true);
  expect(isSigned({ typ, claims: { ...claims, state: 'SUSPENDED' } })).toBe(true);
  expect(isSigned({ typ, claims: { ...claims, state: 'REVOKED' } as never })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, accepted: claims.until } })).toBe(true);
  expect(isSigned({ typ, claims: { ...claims, until: '2026-04-30' } })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, accepted: '2026-06-02', until: '2026-06-30' } })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, version: 2 } })).toBe(false);
});

test('a renewal that holds off no end any more was renewed, or not', () => {
  const { typ, claims } = releaseAttestation();
  for (const outcome of ['RENEWED', 'NOT_RENEWED'] as const)
    for (const state of LICENSE_STATES) expect(isSigned({ typ, claims: { ...claims, outcome, state } })).toBe(true);
  expect(isSigned({ typ, claims: { ...claims, outcome: '不予延续' } as never })).toBe(false);
  expect(isSigned({ typ, claims: { ...claims, case: '于林许〔2026〕12号' } })).toBe(false);
});

test('every act that the register states has a form', () => {
  const forms = registerStatement.options.map((form) => form.shape.act.value);
  expect([...forms].sort()).toEqual([...REGISTER_ACT_NAMES].sort());
});

test('the signer asks the form itself, whoever calls it', async () => {
  const { signer, keys } = await openSignerFixture();
  const { typ, claims } = spoilAttestation();
  await expect(signer.attest({ key: keys.status, request: { typ, claims } })).resolves.toMatch(/^ey/);
  const free = { typ, claims: { ...claims, note: '兹证明于都县示范企业信誉良好' } } as unknown as AttestRequest;
  await expect(signer.attest({ key: keys.status, request: free })).rejects.toMatchObject({ name: 'ZodError' });
});
