import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import {
  completeAll,
  completeSealing,
  type PreparedSealing,
  SEALING_STEPS,
  type SealingStep,
} from '../../subgraphs/kernel/sealing/sealing-workflow.ts';
import type { SignAnswer, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';

/** The sequence render, store, sign, enter, on a store in memory: whatever interrupts it, it can be run again. */

type Signing = 'sign' | 'refuse' | 'fail' | 'wait';

function createWorld(faultReason: string | null = null) {
  const world = {
    /** Why the reason of a wait cannot be recorded. */
    recordError: null as Error | null,
    file: null as Uint8Array | null,
    isDone: false,
    waitingFor: null as string | null,
    renderings: 0,
    /** The files that were signed. */
    signed: [] as Uint8Array[],
    entered: 0,
    next: 'sign' as Signing,
  };
  const prepared: PreparedSealing<Uint8Array> = {
    findFile: async () => world.file,
    // Another rendering never gives the same bytes, so a second file would be seen.
    render: async () => Uint8Array.of(++world.renderings),
    storeFile: async (rendered) => {
      if (world.isDone) return null;
      world.file ??= rendered;
      return world.file;
    },
    buildRequest: (document) => ({ document }) as SignRequest,
    enter: async () => {
      if (world.isDone) return;
      world.isDone = true;
      world.waitingFor = null;
      world.entered++;
    },
    recordWaiting: async (reason) => {
      if (world.recordError) throw world.recordError;
      if (!world.isDone) world.waitingFor = reason;
    },
    faultReason,
  };
  const sign = async ({ document }: SignRequest): Promise<SignAnswer> => {
    if (world.next === 'refuse') throw new Refusal('SEAL_NOT_IN_USE');
    if (world.next === 'fail') throw new Error('connection lost');
    if (world.next === 'wait') return { state: 'PENDING', reason: '等待市级签章。' };
    world.signed.push(document);
    return { state: 'SIGNED', signature: document, sealId: 's', sealName: 'n', signedAt: '2026-01-01T00:00:00Z' };
  };
  const complete = (onStep?: (step: SealingStep) => Promise<void>) => completeSealing(sign, prepared, onStep);
  return { world, complete };
}

test('passes every step in order', async () => {
  const { world, complete } = createWorld();
  const steps: SealingStep[] = [];
  const outcome = await complete(async (step) => void steps.push(step));
  expect(outcome).toEqual({ state: 'DONE' });
  expect(steps).toEqual([...SEALING_STEPS]);
  expect(world).toMatchObject({ renderings: 1, entered: 1, waitingFor: null });
});

test.each(SEALING_STEPS)('goes on after a crash at %s with the file that was stored', async (crashStep) => {
  const { world, complete } = createWorld();
  const crash = async (step: SealingStep) => {
    if (step === crashStep) throw new Error('killed');
  };
  await expect(complete(crash)).rejects.toThrow('killed');
  if (!world.isDone) expect(await complete()).toEqual({ state: 'DONE' });
  expect(world.entered).toBe(1);
  expect(new Set(world.signed.map((file) => file[0])).size).toBe(1);
  expect(world.signed[0]).toEqual(world.file);
});

describe('waits, with the reason recorded', () => {
  test('on a refusal, and gives it to the caller', async () => {
    const { world, complete } = createWorld();
    world.next = 'refuse';
    const outcome = await complete();
    expect(outcome).toMatchObject({ state: 'WAITING', refusal: { code: 'SEAL_NOT_IN_USE' } });
    expect(world.waitingFor).toBe(outcome.state === 'WAITING' && outcome.reason);
  });

  test('on a signer that has not answered', async () => {
    const { world, complete } = createWorld();
    world.next = 'wait';
    expect(await complete()).toEqual({ state: 'WAITING', reason: '等待市级签章。', refusal: null });
    expect(world.waitingFor).toBe('等待市级签章。');
  });

  test.each([[null], ['印章系统暂时无法连接']])('a fault is thrown, and its reason is %s', async (faultReason) => {
    const { world, complete } = createWorld(faultReason);
    world.next = 'fail';
    await expect(complete()).rejects.toThrow('connection lost');
    expect(world.waitingFor).toBe(faultReason);
  });
});

describe('a reason that cannot be recorded does not hide why it waits', () => {
  test('a fault', async () => {
    const { world, complete } = createWorld('印章系统暂时无法连接');
    Object.assign(world, { next: 'fail', recordError: new Error('database lost') });
    await expect(complete()).rejects.toMatchObject({ message: 'connection lost', cause: { message: 'database lost' } });
  });

  test('a refusal', async () => {
    const { world, complete } = createWorld();
    Object.assign(world, { next: 'refuse', recordError: new Error('database lost') });
    await expect(complete()).rejects.toMatchObject({ message: 'database lost', cause: { code: 'SEAL_NOT_IN_USE' } });
  });
});

test('any number of attempts, at once or one after another, enter once and sign one file', async () => {
  const attempt = fc.record({
    signing: fc.constantFrom<Signing>('sign', 'refuse', 'fail', 'wait'),
    crash: fc.option(fc.constantFrom(...SEALING_STEPS)),
    isConcurrent: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(attempt, { maxLength: 6 }), async (attempts) => {
      const { world, complete } = createWorld('fault');
      const running: Promise<unknown>[] = [];
      for (const { signing, crash, isConcurrent } of attempts) {
        world.next = signing;
        running.push(
          complete(async (step) => {
            await Promise.resolve();
            if (step === crash) throw new Error('killed');
          }).catch(() => {}),
        );
        if (!isConcurrent) await Promise.all(running);
      }
      await Promise.all(running);
      world.next = 'sign';
      await complete();
      expect(world).toMatchObject({ entered: 1, isDone: true, waitingFor: null });
      for (const file of world.signed) expect(file).toEqual(world.file);
    }),
  );
});

test('completes what is prepared, reports faults and goes on', async () => {
  const errors: unknown[] = [];
  const outcomes: Record<string, Signing> = { a: 'sign', b: 'fail', c: 'refuse', d: 'wait', e: 'sign' };
  const complete = async (id: string) => {
    const { world, complete: run } = createWorld();
    world.next = outcomes[id] ?? 'fail';
    return run();
  };
  expect(await completeAll(Object.keys(outcomes), complete, (error) => errors.push(error))).toBe(2);
  expect(errors).toMatchObject([{ message: 'connection lost' }]);
});
