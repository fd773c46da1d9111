import { forgeAuthorisation, type Insider, type Row, signOffLedger, type Tamper } from './insider.ts';
import { replaceLeaf } from './use-kinds.ts';

/**
 * Tamperings with the seals on notices (受理通知书 and the like). Each is done with the keys of the hub and in a rewritten
 * log: nothing but the rules of who may seal what reveals it.
 */

const listNoticeUses = ({ sql }: Insider) => sql`select u.*, n.number from seals.seal_use u
  join cases.notice n on n.id = u.issuance_id where u.act = 'NOTICE' order by u.serial`;

/** Changes a notice's use in the ledger, in cases and in the log. */
async function changeUse(insider: Insider, use: Row, changes: Row): Promise<string[]> {
  const { sql } = insider;
  const id = use.issuance_id;
  await insider.change(sql`update seals.seal_use set ${sql(changes)} where issuance_id = ${id}`);
  const { authorisation = use.authorisation, signature = use.signature, seal_id = use.seal_id } = changes;
  await insider.change(sql`update cases.decision_seal set ${sql({ authorisation, signature, seal_id })}
    where notice_id = ${id}`);
  return [`use:${id}`, `notice:${id}`, ...(await replaceLeaf(insider, { ...use, ...changes }))];
}

/** Another clerk of the organ authorised the notice, who did not do its step. */
const authoriseByAnother: Tamper = async (insider, random) => {
  const use = await insider.pickRow(random, listNoticeUses(insider));
  const other = { authorised_by_id: `${use.organ}.clerk2`, authorised_by: '另一经办人' };
  const claims = { actor: other.authorised_by_id, actorName: other.authorised_by };
  const authorisation = await forgeAuthorisation(insider, use.authorisation, claims);
  const objects = await changeUse(insider, use, { ...other, authorisation });
  return { description: `${use.number} was authorised by somebody who did not do its step`, objects };
};

/** The clerk authorised the notice for an organ that did not issue it. */
const authoriseForAnother: Tamper = async (insider, random) => {
  const use = await insider.pickRow(random, listNoticeUses(insider));
  const decider = { organ: use.organ, decides: 'yudu-fgw', exception: null };
  const authorisation = await forgeAuthorisation(insider, use.authorisation, { decider });
  const objects = await changeUse(insider, use, { authorisation });
  return { description: `${use.number} was authorised for an organ that did not issue it`, objects };
};

/** The notice bears another seal of its organ, with a genuine signature by that seal's key. */
const sealWithAnother: Tamper = async (insider, random) => {
  const { sql } = insider;
  const use = await insider.pickRow(random, listNoticeUses(insider));
  const others = sql`select id from seals.seal where organ = ${use.organ} and kind <> 'ACCEPTANCE_SEAL' order by id`;
  const { id: sealId } = await insider.pickRow(random, others);
  const digest = Buffer.from(use.document_digest, 'hex');
  const signature = await signOffLedger(insider, { sealId, profile: 'PADES', digest, at: use.at });
  const objects = await changeUse(insider, use, { seal_id: sealId, signature });
  return { description: `${use.number} bears the seal ${sealId}`, objects };
};

export const NOTICE_KINDS: Record<string, Tamper> = {
  'notice-authorised-by-another': authoriseByAnother,
  'notice-authorised-for-another-organ': authoriseForAnother,
  'notice-under-another-kind-of-seal': sealWithAnother,
};
