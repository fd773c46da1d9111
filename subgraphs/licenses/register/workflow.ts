import type { Transaction } from '../../../db/client.ts';
import { computeContentDigest, sha256 } from '../../kernel/events/events.ts';
import { REGISTER_TYP, type RegisterStatement } from '../../kernel/sealing/attest.ts';
import type { SealingStep } from '../../kernel/sealing/sealing-workflow.ts';
import type { Attest } from '../../kernel/sealing/sign.ts';
import { type ActRow, type PreparedAct, setStatement } from '../act/act-store.ts';
import { storeFiles } from '../act/file-store.ts';
import type { StatementResult } from '../act/ledger-store.ts';
import { buildSpoilStatement, isRegisterStatement } from './statement.ts';

export interface RegisterDependencies {
  attest: Attest;
  onStep?: ((step: SealingStep) => void | Promise<void>) | undefined;
}

/**
 * Steps ② and ③ of an act that the register states: its key signs the prepared statement, then everything is entered in
 * one transaction by `enter`. Safe to run repeatedly: an act is stated once, and entering happens once.
 */
export async function stateAct(
  { attest, onStep = () => {} }: RegisterDependencies,
  intent: PreparedAct,
  enter: (result: StatementResult, putFiles: (tx: Transaction) => Promise<void>) => Promise<void>,
): Promise<void> {
  await onStep('prepared');
  const statement = readStatement(intent);
  const text = await attest({ typ: REGISTER_TYP, claims: statement });
  await onStep('signed');
  await onStep('entering');
  const { id, number, identifier, act } = intent;
  const documentDigest = sha256(text);
  const name = `${identifier}.${act.toLowerCase()}.jwt`;
  const file = { digest: documentDigest, bytes: Buffer.from(text), mediaType: 'application/jwt', number, name };
  await enter({ documentDigest, signatureDigest: null }, async (tx) => {
    await storeFiles(tx, [file]);
    if (isRegisterStatement(intent.record)) return;
    await setStatement(tx, id, {
      record: statement,
      contentDigest: computeContentDigest(statement),
      reason: 'UNCODED',
    });
  });
  await onStep('done');
}

/**
 * Returns what the register states of an act. A release up to 0.4 prepared free words for a seal. Such an act, if it
 * still waits, is stated without them.
 */
function readStatement(intent: ActRow): RegisterStatement {
  const { record, id, identifier, version, stateAfter: state, organ, blankNumber, spoiledBlank } = intent;
  if (isRegisterStatement(record)) return record;
  if (blankNumber === null || spoiledBlank === null) throw new Error(`act ${id} names no sheets`);
  const sheets = { spoiled: spoiledBlank, replacement: blankNumber, personId: intent.actorId, at: intent.preparedAt };
  return buildSpoilStatement({ id, identifier, version, state, organ: organ.id, ...sheets }, 'UNCODED');
}
