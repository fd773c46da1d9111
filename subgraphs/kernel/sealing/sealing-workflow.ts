import { runItems } from '../loop.ts';
import { Refusal } from '../refusal.ts';
import type { Sign, SignAnswer, SignRequest } from './sign.ts';

/**
 * Steps ② and ③ of everything that is sealed: license acts and decision documents. Step ① is a transaction of the
 * module that prepares: it checks all that can refuse, reserves, and stores the text with its authorisation.
 */

/** Called after each step, in this order. A fault test stops the process there. */
export const SEALING_STEPS = ['prepared', 'rendered', 'stored', 'signed', 'entering', 'done'] as const;
export type SealingStep = (typeof SEALING_STEPS)[number];
export type OnSealingStep = (step: SealingStep) => void | Promise<void>;

export type Signature = Extract<SignAnswer, { state: 'SIGNED' }>;

/** What the sequence needs to know of one prepared thing, and to do with it. `Rendered` is what rendering gives. */
export interface PreparedSealing<Rendered> {
  /** Returns the file that was stored for sealing, or null if none is. */
  findFile(): Promise<Uint8Array | null>;
  /** Renders from what step ① stored, and from nothing else. */
  render(): Promise<Rendered>;
  /**
   * Stores what was rendered, unless something is stored already: another release may render differently, so the file
   * that was stored first is sealed. Returns that file, or null if another process has completed everything meanwhile.
   */
  storeFile(rendered: Rendered): Promise<Uint8Array | null>;
  /** Builds the request. The signer is idempotent on its `issuanceId`. */
  buildRequest(file: Uint8Array): SignRequest;
  /** Enters everything in one transaction. Must do nothing if it was entered already. */
  enter(file: Uint8Array, signature: Signature): Promise<void>;
  /** Records why it waits, for people. */
  recordWaiting(reason: string): Promise<void>;
  /** The reason to record on a fault, or null to record none. */
  faultReason: string | null;
}

/** A sealing after an attempt: done, or waiting for the reason that is recorded. */
export type SealingOutcome = { state: 'DONE' } | { state: 'WAITING'; reason: string; refusal: Refusal | null };

/**
 * Completes what is prepared, from the step that it reached: renders, stores, seals, enters.
 * Safe to run repeatedly and concurrently: the file that was stored first counts, the seal is idempotent, and entering
 * happens once. A refusal, and a signer that has not answered, leave it waiting. Throws any other error. If the
 * reason of the wait cannot be recorded, throws both errors, one as the cause of the other.
 */
export async function completeSealing<Rendered>(
  sign: Sign,
  prepared: PreparedSealing<Rendered>,
  onStep: OnSealingStep = () => {},
): Promise<SealingOutcome> {
  await onStep('prepared');
  const recordWaiting = async (reason: string, refusal: Refusal | null): Promise<SealingOutcome> => {
    try {
      await prepared.recordWaiting(reason);
    } catch (error) {
      throw refusal ? attachCause(error, refusal) : error;
    }
    return { state: 'WAITING', reason, refusal };
  };
  let sealed: { file: Uint8Array; answer: SignAnswer } | null;
  try {
    sealed = await renderAndSign(sign, prepared, onStep);
  } catch (error) {
    if (error instanceof Refusal) return recordWaiting(error.message, error);
    if (prepared.faultReason === null) throw error;
    try {
      await prepared.recordWaiting(prepared.faultReason);
    } catch (recordError) {
      throw attachCause(error, recordError);
    }
    throw error;
  }
  if (sealed === null) return { state: 'DONE' };
  const { file, answer } = sealed;
  if (answer.state === 'PENDING') return recordWaiting(answer.reason, null);
  await onStep('signed');
  await onStep('entering');
  await prepared.enter(file, answer);
  await onStep('done');
  return { state: 'DONE' };
}

/** Returns an error, with another one as its cause unless it has a cause of its own. */
function attachCause(error: unknown, cause: unknown): unknown {
  if (error instanceof Error) error.cause ??= cause;
  return error;
}

/** Step ②. The file is stored before it is sealed, so that a signature always belongs to a file that is kept. */
async function renderAndSign<Rendered>(
  sign: Sign,
  prepared: PreparedSealing<Rendered>,
  onStep: OnSealingStep,
): Promise<{ file: Uint8Array; answer: SignAnswer } | null> {
  let file = await prepared.findFile();
  if (file === null) {
    const rendered = await prepared.render();
    await onStep('rendered');
    file = await prepared.storeFile(rendered);
    if (file === null) return null;
  }
  await onStep('stored');
  return { file, answer: await sign(prepared.buildRequest(file)) };
}

/** Maximum number of sealings that are completed at the same time. A slow one holds up none of the others. */
const MAX_RUNNING_SEALINGS = 4;

/**
 * Completes what a crash, a fault, a refusal or a slow signer left prepared. Returns how many are done. A fault is
 * reported, and the others are completed.
 */
export async function completeAll(
  ids: readonly string[],
  complete: (id: string) => Promise<SealingOutcome>,
  onError: (error: unknown) => void,
): Promise<number> {
  let doneCount = 0;
  const completeOne = async (id: string) => {
    if ((await complete(id)).state === 'DONE') doneCount++;
  };
  await runItems(ids, completeOne, { limit: MAX_RUNNING_SEALINGS, onError });
  return doneCount;
}
