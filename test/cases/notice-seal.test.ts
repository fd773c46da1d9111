import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../db/client.ts';
import { type Connected, connect } from '../../db/client.ts';
import { listAttention } from '../../subgraphs/cases/attention/store.ts';
import * as store from '../../subgraphs/cases/notice/store.ts';
import { completeDecision, prepareDecision, startSealing, writeNotice } from '../../subgraphs/cases/notice/workflow.ts';
import { readAuthorisation } from '../../subgraphs/kernel/actor.ts';
import { contentDigest, sha256 } from '../../subgraphs/kernel/events.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import type { Sign, SignRequest } from '../../subgraphs/kernel/sign.ts';
import { actor } from '../support/actors.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { CITY, COUNTY, subjectOf } from '../support/notice.ts';
import { until } from '../support/until.ts';

/** Tests notices on their own database, with a signer that each test controls. */

const at = new Date('2026-11-23T01:02:03Z');
const keys = { cases: randomBytes(32), licenses: randomBytes(32) };
const DECIDER = actor('ganzhou-xzspj.approver');
const SIGNED = { state: 'SIGNED', sealId: 'seal', sealName: '印章', signedAt: '2026-11-23T01:02:04.000Z' } as const;

let database: TestDatabase;
let pool: Connected;
beforeAll(async () => {
  database = await testDatabase();
  pool = connect(database.urls.cases, 'test-notices');
});
afterAll(async () => {
  await pool?.close();
  await database?.drop();
});

const newCase = () => ({ ...subjectOf('OTHER', '办理决定书'), id: randomUUID() });
const accept = { kind: 'ACCEPTANCE', organ: COUNTY.id } as const;
const plain = { at, note: null, finding: null };

async function prepare(finding: 'GRANTED' | 'REJECTED' = 'GRANTED') {
  const subject = newCase();
  const step = { at, note: '依规定办理', finding };
  const given = { subject, step, organ: CITY, decider: DECIDER, authorisationKey: keys.cases };
  return { subject, written: await pool.db.transaction((tx) => prepareDecision(tx, given)) };
}

/** No seal has its own picture, so every seal is drawn. */
const picture = async () => null;

/**
 * Builds a signer that returns the same bytes for the same id, as the seals subgraph does.
 * It records each request and then calls `before`.
 */
function signer(before: (request: SignRequest) => void = () => {}) {
  const asked: SignRequest[] = [];
  const sign: Sign = async (request) => {
    asked.push(request);
    before(request);
    return { ...SIGNED, signature: Buffer.from(request.issuanceId) };
  };
  return { sign, asked };
}

/** Returns the attention items for decisions that wait for a seal, of one organ, or of all organs if `organ` is null. */
async function unsealed(db: Database, organ: string | null) {
  const filter = { organ, window: null, all: organ === null, kinds: ['DECISION_UNSEALED' as const] };
  return (await listAttention(db, filter, '2026-11-24', { first: 100, after: null })).rows;
}

describe('notice numbers', () => {
  test('have no gap although many transactions run at once and some roll back', async () => {
    const rolledBack = new Error('rolled back');
    const written = Array.from({ length: 24 }, (_, i) =>
      pool.db
        .transaction(async (tx) => {
          const notice = await writeNotice(tx, { ...accept, subject: newCase(), step: plain });
          if (i % 3 === 0) throw rolledBack;
          return notice.number;
        })
        .catch((error) => (error === rolledBack ? null : Promise.reject(error))),
    );
    const kept = (await Promise.all(written)).filter((number) => number !== null);
    const expected = Array.from({ length: 16 }, (_, i) => `360731受〔2026〕${String(i + 1).padStart(5, '0')}号`);
    expect(kept.sort()).toEqual(expected);
  });

  test('start at 1 for each division, kind and year in Asia/Shanghai', async () => {
    const numberOf = (changes: Partial<Parameters<typeof writeNotice>[1]>) =>
      pool.db.transaction(
        async (tx) => (await writeNotice(tx, { ...accept, subject: newCase(), step: plain, ...changes })).number,
      );
    expect(await numberOf({ organ: CITY.id })).toBe('360700受〔2026〕00001号');
    expect(await numberOf({ organ: CITY.id })).toBe('360700受〔2026〕00002号');
    expect(await numberOf({ organ: CITY.id, kind: 'REFUSAL' })).toBe('360700不受〔2026〕00001号');
    const newYear = { ...plain, at: new Date('2026-12-31T16:00:00Z') };
    expect(await numberOf({ organ: CITY.id, step: newYear })).toBe('360700受〔2027〕00001号');
  });

  test('are not assigned to a notice that cannot be printed', async () => {
    const subject = { ...newCase(), applicant: { ...newCase().applicant, name: '王𠮷' } };
    const refused = pool.db.transaction((tx) =>
      writeNotice(tx, { ...accept, organ: CITY.id, kind: 'SUPPLEMENT', subject, step: plain }),
    );
    await expect(refused).rejects.toMatchObject({ code: 'FIELD_MALFORMED' });
  });
});

describe('a decision document', () => {
  test('is authorised by the decider for exactly its content, and stored together with the authorisation', async () => {
    const { subject, written } = await prepare();
    const stored = await store.findNotice(pool.db, written.id);
    expect(stored?.seal).toMatchObject({ state: 'PREPARED', organ: CITY.id, documentDigest: null, signature: null });
    expect(contentDigest(stored?.notice.content)).toBe(written.contentDigest);
    expect(await readAuthorisation(keys, stored?.seal?.authorisation ?? '')).toEqual({
      actor: DECIDER.id,
      actorName: DECIDER.name,
      organ: CITY.id,
      matter: subject.matter.matterId,
      caseId: subject.id,
      act: 'DECISION',
      contentDigest: written.contentDigest,
      authorisedAt: at.toISOString(),
    });
    expect(await store.hasSealedDecision(pool.db, subject.id)).toBe(false);
  });

  test('is sealed once, over the stored file', async () => {
    const { subject, written } = await prepare('REJECTED');
    const { sign, asked } = signer();
    const both = [
      completeDecision({ db: pool.db, picture, sign }, written.id),
      completeDecision({ db: pool.db, picture, sign }, written.id),
    ];
    expect(await Promise.all(both)).toEqual([null, null]);
    expect(await completeDecision({ db: pool.db, picture, sign }, written.id)).toBeNull();
    const stored = await store.findNotice(pool.db, written.id);
    const digest = stored?.seal?.documentDigest ?? '';
    expect(stored?.seal).toMatchObject({ state: 'DONE', sealId: 'seal', signedAt: new Date(SIGNED.signedAt) });
    const file = await store.findFile(pool.db, digest);
    expect(sha256(file ?? '')).toBe(digest);
    expect(new Set(asked.map((one) => JSON.stringify(one)))).toEqual(new Set([JSON.stringify(asked[0])]));
    expect(asked[0]).toMatchObject({
      issuanceId: written.id,
      organ: CITY.id,
      caseId: subject.id,
      act: 'DECISION',
      identifier: subject.number,
      profile: 'PADES',
    });
    expect(Buffer.from(asked[0]?.document ?? '')).toEqual(file);
    expect(contentDigest(asked[0]?.content)).toBe(written.contentDigest);
    expect(await store.hasSealedDecision(pool.db, subject.id)).toBe(true);
  });

  test('survives a failing signer: the file stays, and attention lists the decision until it is sealed', async () => {
    const { written } = await prepare();
    const waiting = async () => (await unsealed(pool.db, CITY.id)).filter((one) => one.id === `decision ${written.id}`);
    let broken = true;
    const { sign, asked } = signer(() => {
      if (broken) throw new Error('connection lost');
    });
    expect(await waiting()).toEqual([]);
    await expect(completeDecision({ db: pool.db, picture, sign }, written.id)).rejects.toThrow('connection lost');
    expect(await waiting()).toEqual([
      expect.objectContaining({
        organs: [CITY.id],
        subject: written.number,
        reason: '印章系统暂时无法连接，恢复后自动用印。',
        since: at,
      }),
    ]);
    expect(await unsealed(pool.db, COUNTY.id)).toEqual([]);
    broken = false;
    expect(await completeDecision({ db: pool.db, picture, sign }, written.id)).toBeNull();
    expect(asked[1]).toEqual(asked[0]);
    expect(await waiting()).toEqual([]);
  });

  test('waits for a suspended seal or a slow signer, and shows the reason', async () => {
    const { written } = await prepare();
    const refusing: Sign = async () => {
      throw new Refusal('SEAL_SUSPENDED');
    };
    const slow: Sign = async () => ({ state: 'PENDING', reason: '等待市级签章。' });
    const reasonOf = async () =>
      (await unsealed(pool.db, null)).find((one) => one.id === `decision ${written.id}`)?.reason;
    expect(await completeDecision({ db: pool.db, picture, sign: refusing }, written.id)).toBe('此印章已停用。');
    expect(await reasonOf()).toBe('此印章已停用。');
    expect(await completeDecision({ db: pool.db, picture, sign: slow }, written.id)).toBe('等待市级签章。');
    expect(await reasonOf()).toBe('等待市级签章。');
    expect(await completeDecision({ db: pool.db, picture, ...signer() }, written.id)).toBeNull();
    expect(await reasonOf()).toBeUndefined();
  });

  test('left prepared by a crash is sealed once, although two sealers run', async () => {
    const left = [await prepare(), await prepare(), await prepare()];
    const { sign, asked } = signer();
    const copies = [
      startSealing({ db: pool.db, picture, sign, pollMs: 10 }),
      startSealing({ db: pool.db, picture, sign, pollMs: 10 }),
    ];
    await until('all are sealed', async () => {
      const sealed = await Promise.all(left.map(({ subject }) => store.hasSealedDecision(pool.db, subject.id)));
      return sealed.every(Boolean);
    });
    await Promise.all(copies.map((one) => one.stop()));
    const ours = new Set(left.map(({ written }) => written.id));
    expect(asked.filter((one) => ours.has(one.issuanceId))).toHaveLength(left.length);
  });

  test('cannot be completed for a notice that is no decision', async () => {
    const { sign } = signer();
    const { id } = await pool.db.transaction((tx) => writeNotice(tx, { ...accept, subject: newCase(), step: plain }));
    await expect(completeDecision({ db: pool.db, picture, sign }, id)).rejects.toThrow('no decision');
  });
});
