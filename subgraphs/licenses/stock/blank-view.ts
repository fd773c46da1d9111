import type { Database } from '../../../db/client.ts';
import { type GraphContext, getLoader, mayRead } from '../../kernel/http/context.ts';
import type { Blank } from '../paper/paper.ts';
import { LICENSE_READS } from '../policy.ts';
import { type BlankMoveRow, findBlanks, findBoxes, listMoves, type StoredBox } from './history-store.ts';

/** Finds a blank by its number, or null if the caller may not see it: it is in the stock of another organ. */
export async function loadBlank(db: Database, context: GraphContext, number: string): Promise<Blank | null> {
  const found = await getLoader<Blank>(context, 'blanks', async (numbers) => {
    const byNumber = await findBlanks(db, numbers);
    return numbers.map((each) => byNumber.get(each) ?? null);
  }).load(number);
  return mayRead(LICENSE_READS.blanks, context.actor, [found?.organ ?? null]) ? found : null;
}

/** Loads the box in which a blank was delivered. One query serves a whole GraphQL answer. */
export async function loadBox(db: Database, context: GraphContext, { number }: Blank) {
  const box = await getLoader<StoredBox>(context, 'boxes of blanks', async (numbers) => {
    const byNumber = await findBoxes(db, numbers);
    return numbers.map((each) => byNumber.get(each) ?? null);
  }).load(number);
  if (!box) throw new Error(`blank ${number} is of no box`);
  const { first: from, last: to, organ, actor: receivedBy, at: receivedAt, ...rest } = box;
  return { ...rest, from, to, organ: { id: organ }, receivedBy, receivedAt };
}

/** Loads what happened to a blank, oldest first. One query serves a whole GraphQL answer. */
export async function loadHistory(db: Database, context: GraphContext, { number }: Blank) {
  const rows = await getLoader<BlankMoveRow[]>(context, 'moves of blanks', async (numbers) => {
    const byNumber = await listMoves(db, numbers);
    return numbers.map((each) => byNumber.get(each) ?? []);
  }).load(number);
  return (rows ?? []).map(viewMove);
}

/** An entry of a blank's ledger. @public by codegen.ts */
export type BlankMoveView = ReturnType<typeof viewMove>;

function viewMove({ entry, writeOff }: BlankMoveRow) {
  const { state, identifier, organ, actor: by, at, reason, proposalId } = entry;
  return {
    ...{ state, identifier, by, at },
    organ: organ === null ? null : { id: organ },
    writeOffReason: writeOff?.reason ?? null,
    remark: writeOff?.remark ?? reason,
    transferId: writeOff === null ? proposalId : null,
  };
}
