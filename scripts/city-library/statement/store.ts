import type postgres from 'postgres';
import { Fault, licenseOf, type State, writeCanonical } from '../protocol.ts';
import { type ReceiptWriter, readWitnessedTree } from '../store.ts';
import type { Claims, StatementDelivery } from './form.ts';
import { listHolds, requireHeldEnd, requireOpenHold } from './hold.ts';

/** Access to the statements of the register in the library's own database. */
export interface StatementStore {
  /** Returns the receipt of the same delivery, or null if it is not collected. */
  receiptOf(delivery: StatementDelivery, contentDigest: string): Promise<string | null>;
  /** Throws the Fault with which `collect` would refuse a checked delivery. */
  requireNext(delivery: StatementDelivery, claims: Claims): Promise<void>;
  /** Stores a checked delivery once and returns its receipt. Throws Fault. */
  collect(delivery: StatementDelivery, claims: Claims, contentDigest: string, at: Date): Promise<string>;
  /** Returns the statements on a license version, oldest first. */
  list(identifier: string): Promise<StoredStatement[]>;
}

export interface StoredStatement {
  revision: number;
  follows: number;
  act: string;
  statedAt: Date;
  collectedAt: Date;
  receipt: string;
  documentDigest: string;
  /** The statement itself, compact JWS. */
  statement: string;
}

/** The days of a license are those of Asia/Shanghai, eight hours ahead of UTC. */
const SHANGHAI_OFFSET_SECONDS = 28_800;

export function openStatementStore(sql: postgres.Sql, receiptWriter: ReceiptWriter): StatementStore {
  return {
    receiptOf: (delivery, contentDigest) => findReceipt(sql, delivery, contentDigest),
    requireNext: (delivery, claims) => requireNext(sql, delivery, claims),
    collect: (delivery, claims, contentDigest, at) =>
      sql.begin((tx) => collect(tx, receiptWriter, { delivery, claims, contentDigest }, at)),
    list: async (identifier) => [
      ...(await sql<StoredStatement[]>`
        select revision, follows, act, stated_at, collected_at, receipt, document_digest, statement
        from statement where identifier = ${identifier} order by revision`),
    ],
  };
}

async function findReceipt(
  sql: postgres.ISql,
  delivery: StatementDelivery,
  contentDigest: string,
): Promise<string | null> {
  const { revision } = delivery;
  const number = licenseOf(delivery);
  const [row] = await sql<{ receipt: string }[]>`select receipt from statement
    where number = ${number} and revision = ${revision} and content_digest = ${contentDigest}`;
  return row?.receipt ?? null;
}

/**
 * Throws Fault ORDER if an earlier statement or the act that it follows is missing, REVISION_CONFLICT if the revision
 * or the id of the statement is taken, RECORD_MISMATCH if the license was not then as the statement says.
 */
async function requireNext(sql: postgres.ISql, delivery: StatementDelivery, claims: Claims): Promise<void> {
  const { stream, revision, follows } = delivery;
  const number = licenseOf(delivery);
  const [last] = await sql<{ revision: number; follows: number; stream: string }[]>`
    select revision, follows, stream from statement where number = ${number} order by revision desc limit 1`;
  const next = (last?.revision ?? 0) + 1;
  if (revision > next) throw new Fault('ORDER', `应为第 ${next} 号声明，收到第 ${revision} 号`);
  if (revision < next) throw new Fault('REVISION_CONFLICT', `第 ${revision} 号声明`);
  const [known] = await sql`select from statement where id = ${claims.jti}`;
  if (known) throw new Fault('REVISION_CONFLICT', `声明 ${claims.jti}`);
  if (claims.act === 'REGISTER') return requireUnknown(sql, number, claims);
  const [act] = await sql<{ identifier: string; version: number; state: State }[]>`
    select identifier, version, state from act where number = ${number} and revision = ${follows}
    union all select identifier, version, state from statement
      where number = ${number} and act = 'REGISTER' and follows = ${follows}`;
  if (!act) throw new Fault('ORDER', `所依据的第 ${follows} 号操作尚未归集`);
  // A sheet of the version that is in force until its renewal begins may be spoiled, too.
  const [waiting] = await sql`select from certificate where number = ${number} and identifier = ${claims.sub}
    and version = ${claims.version} and superseded_from is not null`;
  const isOfVersion = (act.identifier === claims.sub && act.version === claims.version) || waiting !== undefined;
  if (!isOfVersion || !fitsState(claims, act.state)) throw new Fault('RECORD_MISMATCH', `第 ${follows} 号操作后的证照`);
  await requireOfPeriod(sql, number, claims);
  if (last && (follows < last.follows || stream !== last.stream)) throw new Fault('RECORD_MISMATCH', 'follows、stream');
}

/** Throws Fault REVISION_CONFLICT if the library has a license with this number or identifier already. */
async function requireUnknown(sql: postgres.ISql, number: string, { sub }: Claims): Promise<void> {
  const known = await sql`select from license where number = ${number} and identifier is not null
    union all select from certificate where identifier = ${sub}`;
  if (known.length > 0) throw new Fault('REVISION_CONFLICT', `证照 ${number}`);
}

/** Whether the license was as a statement says after the act that it follows. Time ends one in force or suspended. */
function fitsState(claims: Claims, state: State): boolean {
  return claims.act === 'LAPSE' ? state === 'VALID' || state === 'SUSPENDED' : state === claims.state;
}

/** Throws Fault RECORD_MISMATCH unless a statement on the last day of a license fits its days and its holds. */
async function requireOfPeriod(sql: postgres.ISql, number: string, claims: Claims): Promise<void> {
  if (claims.act !== 'LAPSE' && claims.act !== 'HOLD' && claims.act !== 'RELEASE') return;
  const [row] = await sql<{ until: string }[]>`
    select record->>'ZZYXQJZRQ' as until from certificate where identifier = ${claims.sub}`;
  const holds = await listHolds(sql, number);
  if (claims.act === 'HOLD') return requireHeldEnd(claims, row?.until ?? null, holds);
  if (claims.act === 'RELEASE') return requireOpenHold(claims, holds);
  // The end has passed, and no renewal holds it off.
  const { until, iat } = claims;
  const statedOn = new Date((iat + SHANGHAI_OFFSET_SECONDS) * 1000).toISOString().slice(0, 10);
  const isHeld = holds.some((hold) => until <= hold.until);
  if (row?.until !== until || statedOn <= until || isHeld) throw new Fault('RECORD_MISMATCH', 'until');
}

async function collect(
  tx: postgres.TransactionSql,
  receiptWriter: ReceiptWriter,
  { delivery, claims, contentDigest }: { delivery: StatementDelivery; claims: Claims; contentDigest: string },
  at: Date,
): Promise<string> {
  const { revision, stream, follows, act, identifier, version, state, documentDigest } = delivery;
  const number = licenseOf(delivery);
  if (act === 'REGISTER') await tx`insert into license (number, revision) values (${number}, 0) on conflict do nothing`;
  await tx`select from license where number = ${number} for update`;
  // A concurrent request may have collected the statement. The lock makes this answer final.
  const storedReceipt = await findReceipt(tx, delivery, contentDigest);
  if (storedReceipt !== null) return storedReceipt;
  await requireNext(tx, delivery, claims);
  const text = writeCanonical(claims) ?? '';
  const tree = await readWitnessedTree(tx, receiptWriter.origin);
  const receipt = receiptWriter.write({ ...delivery, record: { text } }, at, tree);
  if (delivery.act === 'REGISTER') await enterCertificate(tx, delivery);
  await tx`
    insert into statement (number, revision, stream, follows, id, act, identifier, version, state, stated_at, record,
      statement, document_digest, content_digest, receipt, collected_at)
    values (${number}, ${revision}, ${stream}, ${follows}, ${claims.jti}, ${act}, ${identifier}, ${version}, ${state},
      ${delivery.statedAt}, ${text}::text::json, ${delivery.statement}, ${documentDigest}, ${contentDigest}, ${receipt}, ${at})`;
  if (claims.act === 'LAPSE') await endCertificate(tx, number, claims.sub);
  return receipt;
}

/** Enters a license from paper: version 1, whose file is the statement itself. */
async function enterCertificate(
  tx: postgres.TransactionSql,
  delivery: StatementDelivery & { act: 'REGISTER' },
): Promise<void> {
  const { identifier, version, state, record, documentDigest, statement } = delivery;
  const number = licenseOf(delivery);
  await tx`insert into file (digest, media_type, bytes)
    values (${documentDigest}, 'application/jwt', ${Buffer.from(statement)}) on conflict do nothing`;
  await tx`insert into certificate (identifier, number, version, state, record, document_digest, signature)
    values (${identifier}, ${number}, ${version}, ${state}, ${record.text}::text::json, ${documentDigest}, null)`;
  await tx`update license set ${tx({ identifier, version, state })} where number = ${number}`;
}

/** Ends a version. One that a later act has changed since stays as that act left it. */
async function endCertificate(tx: postgres.TransactionSql, number: string, identifier: string): Promise<void> {
  const rows = await tx`
    update license set state = 'LAPSED'
    where number = ${number} and identifier = ${identifier} and state in ('VALID', 'SUSPENDED') returning number`;
  if (rows.length > 0) await tx`update certificate set state = 'LAPSED' where identifier = ${identifier}`;
}
