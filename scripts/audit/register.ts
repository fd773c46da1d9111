import { isDeepStrictEqual } from 'node:util';
import { computeContentDigest, sha256, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { REGISTER_TYP, registerStatement } from '../../subgraphs/kernel/sealing/attest.ts';
import { REGISTER_ACTOR } from '../../subgraphs/licenses/register/statement.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { buildAttestationLeaf, readClaimsText } from '../../subgraphs/seals/attestation/attestation.ts';
import { buildLeaf, type Leaf } from '../../subgraphs/seals/log/leaf.ts';
import { type AuditInput, buildFinding, type Finding, streamRows } from './finding.ts';

/** Audits what the register's key stated (登记声明): each statement has a leaf and an act, and says what the act says. */

/** An act on which the register states, with its file and what the ledger of statements has of it. */
interface StatedAct {
  id: string;
  act: string;
  identifier: string;
  stateAfter: string;
  blankNumber: string | null;
  spoiledBlank: string | null;
  reason: string | null;
  actorId: string;
  record: object;
  contentDigest: string;
  file: Uint8Array;
  stated: string | null;
  /** The last day that the version's record states. */
  lastDay: string | null;
}

interface Material extends Pick<AuditInput, 'roots' | 'now'> {
  certificates: readonly Uint8Array[];
  revocation: readonly Uint8Array[];
}

/** Checks that the register stated exactly the recorded act, by its own key, and that the act is of this person. */
export function* judgeRegistered(
  row: StatedAct,
  { now, ...material }: Material,
  findingsFor: (code: string, detail: string) => Finding[],
): Generator<Finding> {
  const { id, act, identifier, stateAfter, blankNumber, spoiledBlank, reason, actorId, record, file } = row;
  if (row.stated === null) yield* findingsFor('SIGNATURE_WITHOUT_USE', '登记声明没有记录');
  else if (row.stated !== Buffer.from(file).toString('utf8'))
    yield* findingsFor('SIGNATURE_NOT_OF_USE', '文件与登记机关声明的不是同一份');
  const report = verify({ file, signature: null, ...material }, now);
  const { registered } = report;
  if (report.verdict !== 'TOTAL_PASSED' || !registered) {
    const step = report.steps.find(({ passed }) => passed === false);
    return yield* findingsFor('SIGNATURE_NOT_PASSED', `${report.verdict} ${step?.name ?? ''}：${step?.detail ?? ''}`);
  }
  if (toCanonicalJson(registered) !== toCanonicalJson(record) || computeContentDigest(record) !== row.contentDigest)
    yield* findingsFor('RECORD_DIFFERS', '登记内容与声明所载不一致');
  const sheets =
    registered.act === 'SPOIL'
      ? { blankNumber: registered.replacement, spoiledBlank: registered.spoiled, reason: registered.reason }
      : { blankNumber: null, spoiledBlank: null, reason: null };
  const isOfAct =
    registered.jti === id &&
    registered.act === act &&
    registered.sub === identifier &&
    registered.state === stateAfter &&
    isDeepStrictEqual({ blankNumber, spoiledBlank, reason }, sheets);
  if (!isOfAct) yield* findingsFor('RECORD_DIFFERS', '办理与登记声明不一致');
  const isOfDay = registered.act === 'HOLD' ? isUpTo : isSameDay;
  if ('until' in registered && registered.act !== 'RELEASE' && !isOfDay(row.lastDay, registered.until))
    yield* findingsFor('RECORD_DIFFERS', '声明的截止日不是证照所载的');
  const isOfActor = 'by' in registered ? registered.by === sha256(actorId) : actorId === REGISTER_ACTOR.id;
  if (!isOfActor) yield* findingsFor('ACT_REWRITTEN', '办理人不是声明所记的人');
}

const isSameDay = (lastDay: string | null, until: string) => lastDay === until;
/** A renewal holds off the end that it was asked for, and an earlier one that a correction has made of it. */
const isUpTo = (lastDay: string | null, until: string) => lastDay !== null && lastDay <= until;

/** Finds statements of the register without an act. The acts of a batch from paper that was broken off come later. */
export async function* auditStatements({ sql }: AuditInput): AsyncGenerator<Finding> {
  const orphans = sql<{ id: string }[]>`select r.id from seals.register_statement r
    where not exists (select 1 from licenses.act a where a.id = r.id)
      and not exists (select 1 from licenses.registration_line l join licenses.registration_progress g
        on g.proposal_id = l.proposal_id where l.act_id = r.id and l.place > g.entered)`;
  for await (const { id } of streamRows(orphans))
    yield buildFinding('USE_WITHOUT_ACT', `statement:${id}`, '登记声明没有对应的办理');
}

/** Returns the leaf that each stored statement must have in the log. */
export async function* expectStatements({
  sql,
}: AuditInput): AsyncGenerator<{ leaf: Leaf; object: string; faults?: string[] }> {
  const rows = sql<{ id: string; text: string; at: Date }[]>`select id, text, at from seals.register_statement`;
  for await (const { id, text, at } of streamRows(rows)) {
    const object = `statement:${id}`;
    const claims = registerStatement.safeParse(readClaims(text));
    if (claims.success && claims.data.jti === id)
      yield { leaf: buildAttestationLeaf({ typ: REGISTER_TYP, claims: claims.data }, text, at), object };
    else {
      const leaf = buildLeaf('ATTESTATION', sha256(text), { typ: REGISTER_TYP, digest: sha256(text) }, at);
      yield { leaf, object, faults: ['SIGNATURE_NOT_PASSED'] };
    }
  }
}

function readClaims(jws: string): unknown {
  try {
    return JSON.parse(readClaimsText(jws));
  } catch {
    return null;
  }
}

/** Whether a leaf is of a statement of the register. Of other statements only the newest is kept. */
export function isOfRegister(kind: string, entry: string): boolean {
  return kind === 'ATTESTATION' && (JSON.parse(entry) as { typ?: string }).typ === REGISTER_TYP;
}
