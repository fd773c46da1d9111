import { drizzle } from 'drizzle-orm/postgres-js';
import { expect, test } from 'vitest';
import { type Connection, createPooledClient } from '../../db/pool.ts';
import { buildContext } from '../../subgraphs/kernel/http/context.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { licenseResolvers } from '../../subgraphs/licenses/resolvers.ts';
import { sealResolvers } from '../../subgraphs/seals/resolvers.ts';
import { requireDemoPerson } from '../support/actors.ts';

/** Every field that reads the database does so once for all objects of an answer, not once for each. */

const sent: string[] = [];
/** Answers every statement with no row. */
const connection = {
  options: { parsers: {}, serializers: {} },
  unsafe: (text: string) => {
    sent.push(text);
    const answer = Promise.resolve([]);
    return Object.assign(answer, { values: () => answer });
  },
} as unknown as Connection;
const db = drizzle(createPooledClient([connection], { replace: (replaced) => replaced }), { casing: 'snake_case' });
const deps = { db, now: () => new Date('2026-03-02') } as never;

type Field = (parent: unknown, args: object, context: unknown, info?: unknown) => unknown;
const resolvers = { ...licenseResolvers(deps), ...sealResolvers(deps) } as unknown as Record<
  string,
  Record<string, Field>
>;
const person = requireDemoPerson('auditor');

/** Returns parent number `i` of any type: it has what the parents of all types have. */
function buildParent(i: number, context: unknown) {
  const id = `00000000-0000-4000-8000-00000000000${i}`;
  const parts = { type: '11100000000013338W011', issuer: '11430000006122244L', version: 1 };
  const identifier = writeLicenseIdentifier({ ...parts, serial: `2023000040${i}` });
  const ids = { id, identifier, key: id, number: id, sealId: id, caseId: id, license: { issuer: { id }, number: id } };
  const version = { ...ids, revision: 1, record: { KZ_SX: id }, documentDigest: id, signatureDigest: id };
  const file = { documentDigest: id, signatureDigest: id, signedAt: new Date(0), sealId: null };
  return { ...ids, person, context, sealedFile: file, stored: { version, license: { ...version, issuer: { id } } } };
}

/** Returns how many statements a field sends for `count` parents of one answer. */
async function countStatements(field: Field, count: number): Promise<number> {
  sent.length = 0;
  const context = buildContext(person, null);
  const answers = Array.from({ length: count }, async (_, i) => field(buildParent(i, context), {}, context));
  // Most fields find no row, which is a fault for some.
  await Promise.allSettled(answers);
  return sent.length;
}

const FIELDS = Object.entries(resolvers)
  .filter(([type, fields]) => type !== 'Query' && type !== 'Mutation' && fields !== null && typeof fields === 'object')
  .flatMap(([type, fields]) =>
    Object.entries(fields)
      .filter(([, field]) => typeof field === 'function' && /^[A-Z]/.test(type))
      .map(([name, field]) => [`${type}.${name}`, field] as const),
  );

test('as many statements for eight objects as for one', async () => {
  const reading: string[] = [];
  const single: string[] = [];
  for (const [name, field] of FIELDS) {
    const statements = await countStatements(field, 1);
    if (statements > 0) reading.push(name);
    if ((await countStatements(field, 8)) > statements) single.push(name);
  }
  // A verification gives one license, and a request has few of them.
  expect(single).toEqual(['LicenseVerification.license']);
  expect(reading).toEqual(expect.arrayContaining(['License.acts', 'LicenseStatus.life', 'Seal.certificateRequest']));
  expect(reading.length).toBeGreaterThan(8);
});

test('the blanks and duplicates of tasks of different types are read once for all', async () => {
  const clerk = requireDemoPerson('ganzhou-xzspj.clerk');
  for (const name of ['blanks', 'duplicates']) {
    sent.length = 0;
    const context = buildContext(clerk, null);
    const tasks = ['A', 'B', 'C'].map((licenseType) => ({
      ...{ person: clerk, task: { issuer: { id: 'ganzhou-xzspj' }, content: { action: 'ISSUE', licenseType } } },
    }));
    const field = resolvers.CertificateTask?.[name];
    const answers = await Promise.all(tasks.map((task) => field?.(task, {}, context)));
    expect([name, answers, sent.length]).toEqual([name, name === 'blanks' ? [[], [], []] : [0, 0, 0], 1]);
  }
});
