import { verify, X509Certificate } from 'node:crypto';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import type { Bundle } from '../../subgraphs/licenses/verify/evidence.ts';
import { readToken } from '../../subgraphs/licenses/verify/format/timestamp.ts';
import { stampImprint } from '../../subgraphs/licenses/verify/renewal.ts';
import { readLists } from '../../subgraphs/licenses/verify/revocation.ts';
import { type AuditedLog, type AuditInput, buildFinding, type Finding, leafKey, streamRows } from './finding.ts';

/**
 * Audits seals: state and grants match the ledger, certificates match the log.
 * What is revoked must stay revoked.
 */
export async function* auditSeals(input: AuditInput, log: AuditedLog): AsyncGenerator<Finding> {
  const { sql } = input;
  yield* auditStates(sql);
  yield* auditValidity(sql);
  yield* auditGrants(sql);
  yield* auditPictures(sql);
  yield* auditRevocations(sql);
  yield* auditLists(sql);
  yield* auditStatements(sql, log);
}

const STATE_AFTER: Record<string, string> = {
  MADE: 'MADE',
  FILED: 'ON_FILE',
  PUT_INTO_USE: 'IN_USE',
  SUSPENDED: 'SUSPENDED',
  RESUMED: 'IN_USE',
  ENDED: 'ENDED',
};

async function* auditStates(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = await sql<{ id: string; state: string; events: string[] | null }[]>`select s.id, s.state,
    (select array_agg(e.event order by e.serial) from seals.seal_event e where e.seal_id = s.id) as events from seals.seal s`;
  for (const { id, state, events } of rows) {
    const last = (events ?? []).reduce<string | null>((priorState, event) => STATE_AFTER[event] ?? priorState, null);
    // Up to release 0.3, a seal was in use as soon as it was made.
    const enteredState = last === 'MADE' && !(events ?? []).includes('FILED') && state === 'IN_USE' ? state : last;
    if (enteredState !== state)
      yield buildFinding('SEAL_STATE_NOT_ENTERED', `seal:${id}`, `状态是 ${state}，台账记为 ${enteredState ?? '无'}`);
  }
  const missingSeals = await sql<
    { id: string }[]
  >`select distinct seal_id as id from seals.seal_event e where not exists (select 1 from seals.seal s where s.id = e.seal_id)`;
  for (const { id } of missingSeals) yield buildFinding('SEAL_MISSING', `seal:${id}`, '台账中有，印章不见了');
}

/** Checks that a seal has the validity of its newest certificate. */
async function* auditValidity(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = await sql<
    { id: string; from: Date; until: Date; pem: string | null }[]
  >`select id, valid_from as "from", valid_until as until, (select c.certificate_pem from seals.seal_certificate c where c.seal_id = s.id
      order by generation desc limit 1) as pem from seals.seal s`;
  for (const { id, from, until, pem } of rows) {
    if (pem === null) {
      yield buildFinding('CERTIFICATE_MISSING', `seal:${id}`, '印章没有证书');
      continue;
    }
    const { validFromDate, validToDate } = new X509Certificate(pem);
    if (validFromDate.getTime() !== from.getTime() || validToDate.getTime() !== until.getTime())
      yield buildFinding('SEAL_VALIDITY_DIFFERS', `seal:${id}`, '有效期与证书不一致');
  }
}

/** Checks that the grants match the ledger, and that two persons did what requires two persons. */
async function* auditGrants(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = await sql<{ sealId: string; matterId: string }[]>`
    select coalesce(g.seal_id, e.seal_id) as "sealId", coalesce(g.matter_id, e.matter_id) as "matterId" from (
      select seal_id, matter_id, count(*)::int as given, count(w.grant_id)::int as taken from seals.seal_grant g
        left join seals.seal_grant_withdrawal w on w.grant_id = g.id group by seal_id, matter_id) g
    full join (select seal_id, matter_id, count(*) filter (where event = 'GRANTED')::int as given,
        count(*) filter (where event = 'GRANT_WITHDRAWN')::int as taken from seals.seal_event
        where event in ('GRANTED', 'GRANT_WITHDRAWN') group by seal_id, matter_id) e on e.seal_id = g.seal_id and e.matter_id = g.matter_id
    where coalesce(g.given, 0) - coalesce(g.taken, 0) <> coalesce(e.given, 0) - coalesce(e.taken, 0)`;
  for (const { sealId, matterId } of rows) {
    yield buildFinding('GRANT_NOT_ENTERED', `seal:${sealId}`, `事项 ${matterId} 的授权与台账不一致`);
  }
  // Up to release 0.3, one person did these alone. Entries before the first filing of any seal are not judged.
  // Up to release 0.4, one person put a seal back into use. Those came before the first application for it.
  const singlePersonEvents = await sql<
    { sealId: string; serial: number }[]
  >`select e.seal_id as "sealId", e.serial::int as serial from seals.seal_event e
    left join seals.seal_application a on a.id = e.application_id and a.seal_id = e.seal_id and a.applied_by_id = e.applied_by_id
    left join seals.seal_application_outcome o on o.application_id = a.id and o.outcome = 'APPROVED' and o.actor_id = e.actor_id
    where (e.event in ('MADE', 'GRANTED', 'GRANT_WITHDRAWN', 'ROTATED', 'CERTIFICATE_ENTERED', 'ENDED') or e.event = 'RESUMED'
        and e.serial > (select coalesce(min(serial), 9223372036854775807) from seals.seal_event where event = 'APPLIED_RESUME'))
      and (e.actor_id is not null or e.event not in ('MADE', 'GRANTED'))
      and e.serial > (select coalesce(min(serial), 9223372036854775807) from seals.seal_event where event = 'FILED')
      and (o.application_id is null or e.applied_by_id = e.actor_id)`;
  for (const { sealId, serial } of singlePersonEvents) {
    yield buildFinding('SECOND_PERSON_MISSING', `event:${serial}`, '须由两人办理的事项没有另一人的申请或批准');
    yield buildFinding('SECOND_PERSON_MISSING', `seal:${sealId}`, `台账第 ${serial} 条须由两人办理`);
  }
}

/** Checks that every picture has its own ledger entry, and that two persons set it. */
async function* auditPictures(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = await sql<{ id: string }[]>`select s.id from seals.seal s
    where exists (select 1 from seals.seal_picture p where p.seal_id = s.id and not exists (select 1 from seals.seal_event e
        where e.seal_id = s.id and e.event = 'PICTURE_CHANGED' and e.at = p.at and e.actor_id = p.actor_id))
      or (select count(*) from seals.seal_picture p where p.seal_id = s.id)
        <> (select count(*) from seals.seal_event e where e.seal_id = s.id and e.event = 'PICTURE_CHANGED')`;
  // Up to release 0.4, one person set a picture. Those have no application, and none of them comes after one that has.
  const singlePersonPictures = await sql<{ sealId: string; serial: number }[]>`
    select p.seal_id as "sealId", p.serial::int as serial from seals.seal_picture p
    left join seals.seal_application a on a.id = p.application_id and a.seal_id = p.seal_id and a.kind = 'PICTURE'
      and a.particulars->>'digest' is not distinct from p.digest
    left join seals.seal_application_outcome o on o.application_id = a.id and o.outcome = 'APPROVED'
      and o.actor_id = p.actor_id and o.actor_id <> a.applied_by_id
    where o.application_id is null and (p.application_id is not null or p.serial >
      (select min(serial) from seals.seal_picture where application_id is not null))`;
  for (const { sealId, serial } of singlePersonPictures)
    yield buildFinding('SECOND_PERSON_MISSING', `seal:${sealId}`, `第 ${serial} 次更换印模须由两人办理`);
  for (const { id } of rows) yield buildFinding('PICTURE_NOT_ENTERED', `seal:${id}`, '印模图片与台账不一致');
}

/** Checks that the certificates of an ended seal are revoked, and that no other seal has a revoked certificate. */
async function* auditRevocations(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const rows = await sql<
    { id: string; state: string; pem: string; ended: Date | null }[]
  >`select s.id, s.state, c.certificate_pem as pem,
    (select max(e.at) from seals.seal_event e where e.seal_id = s.id and e.event = 'ENDED') as ended from seals.seal s
    join (select seal_id, certificate_pem from seals.seal_certificate union all select seal_id, certificate_pem from seals.seal_code_key) c
      on c.seal_id = s.id`;
  const revoked = new Set(
    (await sql<{ serial: string }[]>`select serial from seals.revocation`).map(({ serial }) => serial),
  );
  for (const { id, state, pem, ended: endedAt } of rows) {
    const { serialNumber, validToDate } = new X509Certificate(pem);
    const isRevoked = revoked.has(serialNumber.toLowerCase());
    const mustBeRevoked = state === 'ENDED' && endedAt !== null && validToDate > endedAt;
    if (mustBeRevoked && !isRevoked) yield buildFinding('REVOCATION_NOT_ENTERED', `seal:${id}`, '已注销，证书没有吊销');
    if (isRevoked && endedAt === null)
      yield buildFinding('REVOCATION_NOT_ENTERED', `seal:${id}`, '没有注销，证书已吊销');
  }
}

/** Checks that the revocation lists are numbered without a gap, and that no list drops an entry. */
async function* auditLists(sql: AuditInput['sql']): AsyncGenerator<Finding> {
  const authorities = await sql<
    { id: string; pem: string }[]
  >`select id, certificate_pem as pem from seals.authority where id in ('root', 'issuing')`;
  const rows = sql<
    { authority: string; number: number; thisUpdate: Date; bytes: Buffer }[]
  >`select authority, number, this_update as "thisUpdate", bytes
    from seals.revocation_list order by authority, number`;
  const newestLists = new Map<string, { number: number; serials: Set<string>; at: Date }>();
  for await (const { authority, number, bytes, thisUpdate } of streamRows(rows)) {
    const object = `list:${authority} ${number}`;
    const previousList = newestLists.get(authority);
    if (number !== (previousList?.number ?? 0) + 1)
      yield buildFinding('LIST_MISSING', `list:${authority} ${(previousList?.number ?? 0) + 1}`, '吊销列表有缺');
    const pem = authorities.find(({ id }) => id === authority)?.pem ?? '';
    const revocationList = readList(bytes, pem);
    if (!revocationList) {
      yield buildFinding('LIST_WRONG', object, '吊销列表无法读取，或不是该机构所签');
      continue;
    }
    if (revocationList.thisUpdate.getTime() !== thisUpdate.getTime())
      yield buildFinding('LIST_WRONG', object, '吊销列表的时间与登记的不一致');
    const droppedSerials = [...(previousList?.serials ?? [])].filter((serial) => !revocationList.serials.has(serial));
    if (droppedSerials.length > 0) yield buildFinding('LIST_FORGETS', object, `不再列出 ${droppedSerials.join('、')}`);
    if (previousList && thisUpdate < previousList.at) yield buildFinding('LIST_WRONG', object, '比前一份更早');
    newestLists.set(authority, { number, serials: revocationList.serials, at: thisUpdate });
  }
  const revokedCertificates = await sql<
    { serial: string; sealId: string; authority: string; at: Date }[]
  >`select serial, seal_id as "sealId", authority, revoked_at as at from seals.revocation`;
  for (const { serial, sealId, authority } of revokedCertificates) {
    const newestList = newestLists.get(authority);
    if (newestList && !newestList.serials.has(normalizeSerial(serial))) {
      yield buildFinding('LIST_FORGETS', `list:${authority} ${newestList.number}`, `没有列出 ${serial}`);
      yield buildFinding('LIST_FORGETS', `seal:${sealId}`, `吊销列表没有列出 ${serial}`);
    }
  }
}

function readList(bytes: Uint8Array, issuerPem: string): { serials: Set<string>; thisUpdate: Date } | null {
  const [list] = readLists([bytes]);
  if (!list) return null;
  const { entries, issuedAt, signed, signature } = list;
  if (!verify('sha256', signed, new X509Certificate(issuerPem).publicKey, signature)) return null;
  return { serials: new Set([...entries.keys()].map(normalizeSerial)), thisUpdate: issuedAt };
}

/** Returns a serial number without the leading zero octet that keeps it positive. */
function normalizeSerial(hex: string): string {
  return hex.toLowerCase().replace(/^(00)+(?=..)/, '');
}

/** Checks that each status list and each timestamp of evidence has a leaf. */
async function* auditStatements(sql: AuditInput['sql'], log: AuditedLog): AsyncGenerator<Finding> {
  // Status lists and timestamps of releases up to 0.3 have no leaf.
  const [first] = await sql<{ at: Date }[]>`select min(at) as at from seals.log_checkpoint`;
  const loggedSince = first?.at ?? new Date(0);
  const statusLists = sql<
    { at: Date; text: string }[]
  >`select published_at as at, text from licenses.status_list where published_at >= ${loggedSince}`;
  for await (const { at, text } of streamRows(statusLists, 50)) {
    if (!log.leaves.has(leafKey('ATTESTATION', sha256(text)))) {
      yield buildFinding(
        'STATEMENT_WITHOUT_LEAF',
        `document:${sha256(text)}`,
        `${at.toISOString()} 的状态列表没有记入透明日志`,
      );
    }
  }
  const tokenDigests = new Set<string>();
  const bundles = sql<{ identifier: string; bundle: string; at: Date }[]>`select identifier, bundle, stamped_at as at
    from licenses.evidence_bundle`;
  for await (const { identifier, bundle, at } of streamRows(bundles, 100)) {
    if (!areStampsValid(bundle))
      yield buildFinding('BUNDLE_ALTERED', `license:${identifier}`, '证据包与它的时间戳不符');
    const tokens = listTokenDigests(bundle);
    for (const token of tokens) {
      tokenDigests.add(token);
      if (at >= loggedSince && token === tokens.at(-1) && !log.leaves.has(leafKey('TIMESTAMP', token)))
        yield buildFinding('TIMESTAMP_WITHOUT_LEAF', `license:${identifier}`, '证据包的时间戳没有记入透明日志');
    }
  }
  for (const [name, { index }] of log.leaves) {
    const token = name.startsWith('TIMESTAMP ') ? name.slice('TIMESTAMP '.length) : null;
    if (token !== null && !tokenDigests.has(token))
      yield buildFinding('TIMESTAMP_WITHOUT_BUNDLE', `leaf:${index}`, '日志中有这一时间戳，证据包中没有');
  }
}

/** Returns whether each archive timestamp covers the content that it claims to cover. */
function areStampsValid(text: string): boolean {
  try {
    const bundle = JSON.parse(text) as Bundle;
    bundle.stamps.forEach(({ token }, i) => {
      readToken(Buffer.from(token, 'base64'), stampImprint(bundle, i));
    });
    return true;
  } catch {
    return false;
  }
}

function listTokenDigests(bundle: string): string[] {
  try {
    const { stamps } = JSON.parse(bundle) as { stamps: { token: string }[] };
    return stamps.map(({ token }) => sha256(Buffer.from(token, 'base64')));
  } catch {
    return ['unreadable'];
  }
}
