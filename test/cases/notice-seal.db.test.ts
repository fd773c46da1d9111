import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../db/client.ts';
import { type ConnectionPool, connect } from '../../db/client.ts';
import { ATTENTION_ORDER, listAttention } from '../../subgraphs/cases/attention/store.ts';
import { putAcceptanceSeal } from '../../subgraphs/cases/fact/store.ts';
import * as store from '../../subgraphs/cases/notice/store.ts';
import { completeDecision, prepareDecision, startSealing, writeNotice } from '../../subgraphs/cases/notice/workflow.ts';
import { computeContentDigest, sha256 } from '../../subgraphs/kernel/events/events.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { readAuthorisation } from '../../subgraphs/kernel/sealing/authorisation.ts';
import { authorisesContent, type SealStatement } from '../../subgraphs/kernel/sealing/person-signature.ts';
import { deriveSalt, makeSalt } from '../../subgraphs/kernel/sealing/random.ts';
import { hasSalt } from '../../subgraphs/kernel/sealing/salt.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import type { Sign, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildNoticeCase, CITY_ORGAN, COUNTY_ORGAN } from '../support/notice.ts';
import { waitUntil } from '../support/until.ts';

/** Tests notices on their own database, with a signer that each test controls. */

const at = new Date('2026-11-23T01:02:03Z');
const { identities, publicKeys } = generateServiceKeys();
const DECIDER = requireDemoPerson('ganzhou-xzspj.approver');
const SIGNED = { state: 'SIGNED', sealId: 'seal', sealName: '印章', signedAt: '2026-11-23T01:02:04.000Z' } as const;

let database: TestDatabase;
let connection: ConnectionPool;
beforeAll(async () => {
  database = await createTestDatabase();
  connection = connect(database.urls.cases, 'test-notices');
});
afterAll(async () => {
  await connection?.close();
  await database?.drop();
});

const newCase = () => ({ ...buildNoticeCase('OTHER', '办理决定书'), id: randomUUID() });
const PUBLIC_URL = 'https://hub.test';
const acceptanceNotice = { kind: 'ACCEPTANCE', organ: COUNTY_ORGAN.id, clerk: null, publicUrl: PUBLIC_URL } as const;
type DecisionGrant = Parameters<typeof prepareDecision>[1]['grant'];
const plainStep = { at, note: null, finding: null };

async function prepare(finding: 'GRANTED' | 'REJECTED' = 'GRANTED', grant: DecisionGrant = null) {
  const subject = newCase();
  const step = { at, note: '依规定办理', finding };
  const signing = { salt: makeSalt(), authorise: (statement: SealStatement) => statement };
  const place = { organ: CITY_ORGAN.id, decides: CITY_ORGAN.id, exception: null };
  const preparation = {
    subject,
    step,
    organ: CITY_ORGAN,
    decider: DECIDER,
    place,
    identity: identities.cases,
    signing,
    grant,
  };
  return {
    subject,
    salt: signing.salt,
    notice: await connection.db.transaction((tx) => prepareDecision(tx, preparation)),
  };
}

/** No seal has its own picture, so every seal is drawn. */
const picture = async () => null;

/**
 * Builds a signer that returns the same bytes for the same id, as the seals subgraph does.
 * It records each request and then calls `before`.
 */
function signer(beforeSign: (request: SignRequest) => void = () => {}) {
  const requests: SignRequest[] = [];
  const sign: Sign = async (request) => {
    requests.push(request);
    beforeSign(request);
    return { ...SIGNED, signature: Buffer.from(request.issuanceId) };
  };
  return { sign, requests };
}

/** Returns the attention items for decisions that wait for a seal, of all organs if `organ` is null. */
async function listUnsealed(db: Database, organ: string | null) {
  const organs = organ === null ? null : [organ];
  const filter = { organs, window: null, all: organ === null, kinds: ['DECISION_UNSEALED' as const], holderCode: null };
  const person = requireDemoPerson('auditor');
  const page = { order: ATTENTION_ORDER, count: 100, isBackward: false, cursor: null };
  return (await listAttention(db, { ...filter, person }, new Date('2026-11-24T04:00:00Z'), page)).rows;
}

describe('notice numbers', () => {
  test('have no gap although many transactions run at once and some roll back', async () => {
    const rolledBack = new Error('rolled back');
    const written = Array.from({ length: 24 }, (_, i) =>
      connection.db
        .transaction(async (tx) => {
          const notice = await writeNotice(tx, { ...acceptanceNotice, subject: newCase(), step: plainStep });
          if (i % 3 === 0) throw rolledBack;
          return notice.number;
        })
        .catch((error) => (error === rolledBack ? null : Promise.reject(error))),
    );
    const numbers = (await Promise.all(written)).filter((number) => number !== null);
    const expected = Array.from({ length: 16 }, (_, i) => `${COUNTY_ORGAN.name}受〔2026〕${i + 1}号`);
    expect(new Set(numbers)).toEqual(new Set(expected));
    expect(numbers).toHaveLength(expected.length);
  });

  test('start at 1 for each organ, kind and year in Asia/Shanghai', async () => {
    const numberOf = (changes: Partial<Parameters<typeof writeNotice>[1]>) =>
      connection.db.transaction(
        async (tx) =>
          (await writeNotice(tx, { ...acceptanceNotice, subject: newCase(), step: plainStep, ...changes })).number,
      );
    expect(await numberOf({ organ: CITY_ORGAN.id })).toBe('赣州市行政审批局受〔2026〕1号');
    expect(await numberOf({ organ: CITY_ORGAN.id })).toBe('赣州市行政审批局受〔2026〕2号');
    expect(await numberOf({ organ: CITY_ORGAN.id, kind: 'REFUSAL' })).toBe('赣州市行政审批局不受〔2026〕1号');
    const newYear = { ...plainStep, at: new Date('2026-12-31T16:00:00Z') };
    expect(await numberOf({ organ: CITY_ORGAN.id, step: newYear })).toBe('赣州市行政审批局受〔2027〕1号');
  });

  test('are not assigned to a notice that cannot be printed', async () => {
    const subject = { ...newCase(), applicant: { ...newCase().applicant, name: '王𠮷' } };
    const failedWrite = connection.db.transaction((tx) =>
      writeNotice(tx, { ...acceptanceNotice, organ: CITY_ORGAN.id, kind: 'SUPPLEMENT', subject, step: plainStep }),
    );
    await expect(failedWrite).rejects.toMatchObject({ code: 'FIELD_MALFORMED' });
  });
});

describe('a decision document', () => {
  test('is authorised by the decider for exactly its content, and stored together with the authorisation', async () => {
    const { subject, notice } = await prepare();
    const storedNotice = await store.findNotice(connection.db, notice.id);
    expect(storedNotice?.seal).toMatchObject({
      state: 'PREPARED',
      organ: CITY_ORGAN.id,
      documentDigest: null,
      signature: null,
    });
    expect(computeContentDigest(storedNotice?.notice.content)).toBe(notice.contentDigest);
    const { subgraph, statement } = await readAuthorisation(publicKeys, storedNotice?.seal?.authorisation ?? '');
    expect(subgraph).toBe('cases');
    expect(statement).toEqual({
      decider: { organ: CITY_ORGAN.id, decides: CITY_ORGAN.id, exception: null },
      actor: DECIDER.id,
      actorName: DECIDER.name,
      organ: CITY_ORGAN.id,
      matter: subject.matter.matterId,
      caseId: subject.id,
      act: 'DECISION',
      contentDigest: notice.contentDigest,
      authorisedAt: at.toISOString(),
    });
    expect((await store.listSealedDecisions(connection.db, [subject.id])).has(subject.id)).toBe(false);
  });

  test('beside a license stands under the same authorisation, with a random element of its own', async () => {
    const grant = { act: 'ISSUE', contentDigest: 'a'.repeat(64) } as const;
    const { notice, salt } = await prepare('GRANTED', grant);
    const storedNotice = await store.findNotice(connection.db, notice.id);
    expect(storedNotice?.seal?.authorisation).toBe(notice.authorisation);
    const { statement } = await readAuthorisation(publicKeys, notice.authorisation);
    expect(statement).toMatchObject({ ...grant, decisionDigest: notice.contentDigest });
    const covered = [
      ['ISSUE', grant.contentDigest],
      ['DECISION', notice.contentDigest],
      ['ISSUE', notice.contentDigest],
      ['DECISION', grant.contentDigest],
      ['RENEW', grant.contentDigest],
    ] as const;
    expect(covered.map(([act, digest]) => authorisesContent(statement, act, digest))).toEqual([
      ...[true, true, false, false, false],
    ]);
    // A decision that is the outcome itself authorises no other.
    const alone = await readAuthorisation(publicKeys, (await prepare()).notice.authorisation);
    expect(authorisesContent(alone.statement, 'ISSUE', alone.statement.contentDigest)).toBe(false);
    // A clerk's statement, which nobody signs in person, covers its notice alone.
    const digest = statement.decisionDigest ?? '';
    expect(authorisesContent({ ...statement, act: 'NOTICE' }, 'DECISION', digest)).toBe(false);
    expect(storedNotice?.notice.content.salt).toBe(deriveSalt(salt, 'decision'));
    expect(hasSalt(storedNotice?.notice.content)).toBe(true);
  });

  test('is sealed once, over the stored file', async () => {
    const { subject, notice } = await prepare('REJECTED');
    const { sign, requests } = signer();
    const completions = [
      completeDecision({ db: connection.db, picture, sign }, notice.id),
      completeDecision({ db: connection.db, picture, sign }, notice.id),
    ];
    expect(await Promise.all(completions)).toEqual([null, null]);
    expect(await completeDecision({ db: connection.db, picture, sign }, notice.id)).toBeNull();
    const storedNotice = await store.findNotice(connection.db, notice.id);
    const digest = storedNotice?.seal?.documentDigest ?? '';
    expect(storedNotice?.seal).toMatchObject({ state: 'DONE', sealId: 'seal', signedAt: new Date(SIGNED.signedAt) });
    const file = await store.findFile(connection.db, digest);
    expect(sha256(file ?? '')).toBe(digest);
    expect(new Set(requests.map((item) => JSON.stringify(item)))).toEqual(new Set([JSON.stringify(requests[0])]));
    expect(requests[0]).toMatchObject({
      issuanceId: notice.id,
      organ: CITY_ORGAN.id,
      caseId: subject.id,
      act: 'DECISION',
      identifier: subject.number,
      profile: 'PADES',
    });
    expect(Buffer.from(requests[0]?.document ?? '')).toEqual(file);
    expect(computeContentDigest(requests[0]?.content)).toBe(notice.contentDigest);
    expect((await store.listSealedDecisions(connection.db, [subject.id])).has(subject.id)).toBe(true);
  });

  test('survives a failing signer: the file stays, and attention lists the decision until it is sealed', async () => {
    const { notice } = await prepare();
    const listWaiting = async () =>
      (await listUnsealed(connection.db, CITY_ORGAN.id)).filter((item) => item.id === `decision ${notice.id}`);
    let isBroken = true;
    const { sign, requests } = signer(() => {
      if (isBroken) throw new Error('connection lost');
    });
    expect(await listWaiting()).toEqual([]);
    await expect(completeDecision({ db: connection.db, picture, sign }, notice.id)).rejects.toThrow('connection lost');
    expect(await listWaiting()).toEqual([
      expect.objectContaining({
        organs: [CITY_ORGAN.id],
        subject: notice.number,
        reason: '印章系统暂时无法连接，恢复后自动用印。',
        since: at,
      }),
    ]);
    expect(await listUnsealed(connection.db, COUNTY_ORGAN.id)).toEqual([]);
    isBroken = false;
    expect(await completeDecision({ db: connection.db, picture, sign }, notice.id)).toBeNull();
    expect(requests[1]).toEqual(requests[0]);
    expect(await listWaiting()).toEqual([]);
  });

  test('waits for a suspended seal or a slow signer, and shows the reason', async () => {
    const { notice } = await prepare();
    const refusingSign: Sign = async () => {
      throw new Refusal('SEAL_SUSPENDED');
    };
    const slowSign: Sign = async () => ({ state: 'PENDING', reason: '等待市级签章。' });
    const reasonOf = async () =>
      (await listUnsealed(connection.db, null)).find((item) => item.id === `decision ${notice.id}`)?.reason;
    expect(await completeDecision({ db: connection.db, picture, sign: refusingSign }, notice.id)).toBe(
      '此印章已停用。',
    );
    expect(await reasonOf()).toBe('此印章已停用。');
    expect(await completeDecision({ db: connection.db, picture, sign: slowSign }, notice.id)).toBe('等待市级签章。');
    expect(await reasonOf()).toBe('等待市级签章。');
    expect(await completeDecision({ db: connection.db, picture, ...signer() }, notice.id)).toBeNull();
    expect(await reasonOf()).toBeUndefined();
  });

  test('left prepared by a crash is sealed once, although two sealers run', async () => {
    const prepared = [await prepare(), await prepare(), await prepare()];
    const { sign, requests } = signer();
    const sealers = [
      startSealing({ db: connection.db, picture, sign, pollMs: 10 }),
      startSealing({ db: connection.db, picture, sign, pollMs: 10 }),
    ];
    await waitUntil('all are sealed', async () => {
      const ids = prepared.map(({ subject }) => subject.id);
      return (await store.listSealedDecisions(connection.db, ids)).size === ids.length;
    });
    await Promise.all(sealers.map((item) => item.stop()));
    const preparedIds = new Set(prepared.map(({ notice }) => notice.id));
    expect(requests.filter((item) => preparedIds.has(item.issuanceId))).toHaveLength(prepared.length);
  });

  test('cannot be completed for a notice that is no decision', async () => {
    const { sign } = signer();
    const { id } = await connection.db.transaction((tx) =>
      writeNotice(tx, { ...acceptanceNotice, subject: newCase(), step: plainStep }),
    );
    await expect(completeDecision({ db: connection.db, picture, sign }, id)).rejects.toThrow('is to be sealed');
  });
});

describe('a notice other than a decision', () => {
  const CLERK = requireDemoPerson('ganzhou-xzspj.clerk');
  const clerk = { person: CLERK, identity: identities.cases };
  const write = (when: Date) =>
    connection.db.transaction((tx) =>
      writeNotice(tx, { ...acceptanceNotice, clerk, subject: newCase(), step: { ...plainStep, at: when } }),
    );
  const findStored = async (id: string) => {
    const stored = await store.findNotice(connection.db, id);
    if (!stored) throw new Error('no notice');
    return stored;
  };

  test('bears no seal until the organ’s acceptance seal is in use, and is given without one', async () => {
    const before = new Date(at.getTime() - 1);
    const payload = { kind: 'ACCEPTANCE_SEAL', organ: COUNTY_ORGAN.id, requiredSince: null };
    const put = (changes: object) =>
      connection.db.transaction((tx) => putAcceptanceSeal(tx, { ...payload, ...changes } as never));
    for (const changes of [{}, { kind: 'UNIT_SEAL', requiredSince: before.toISOString() }]) {
      await put(changes);
      const { notice, seal } = await findStored((await write(at)).id);
      expect([seal, notice.content.seal]).toEqual([null, undefined]);
    }
    await put({ requiredSince: at.toISOString() });
    expect((await findStored((await write(before)).id)).seal).toBeNull();
    // Putting it into use again, after a suspension, changes nothing.
    await put({ requiredSince: new Date(at.getTime() + 86_400_000).toISOString() });
    const { notice, seal } = await findStored((await write(at)).id);
    expect(notice.content.seal).toBe('ACCEPTANCE_SEAL');
    const { statement } = await readAuthorisation(publicKeys, seal?.authorisation ?? '');
    expect(statement).toMatchObject({ act: 'NOTICE', actor: CLERK.id, contentDigest: notice.contentDigest });
    expect(statement.signature).toBeUndefined();
  });

  test('gives way to decisions, and few are sealed at once', async () => {
    for (const id of await connection.db.transaction(store.leaseUnsealed))
      await completeDecision({ db: connection.db, picture, sign: signer().sign }, id);
    for (let i = 0; i < 6; i++) await write(at);
    const { notice } = await prepare();
    const ids = await connection.db.transaction(store.leaseUnsealed);
    expect([ids[0], ids.length]).toEqual([notice.id, 5]);
  });
});
