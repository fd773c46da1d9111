import { verify, X509Certificate } from 'node:crypto';
import { sha256 } from '../../subgraphs/kernel/events.ts';
import { readLists } from '../../subgraphs/licenses/verify/revocation.ts';
import { type AuditedLog, type Finding, found, type House, leafName, rowsOf } from './finding.ts';

/** Seals: their state and grants are what their ledger says, their certificates what the log says, what is revoked stays so. */
export async function* auditSeals(house: House, log: AuditedLog): AsyncGenerator<Finding> {
  const { sql } = house;
  yield* states(sql);
  yield* grants(sql);
  yield* revocations(sql);
  yield* lists(sql);
  yield* statements(sql, log);
}

const STATE_AFTER: Record<string, string> = {
  MADE: 'IN_USE',
  SUSPENDED: 'SUSPENDED',
  RESUMED: 'IN_USE',
  ENDED: 'ENDED',
};

async function* states(sql: House['sql']): AsyncGenerator<Finding> {
  const rows = await sql<{ id: string; state: string; events: string[] | null }[]>`select s.id, s.state,
    (select array_agg(e.event order by e.serial) from seals.seal_event e where e.seal_id = s.id) as events from seals.seal s`;
  for (const { id, state, events } of rows) {
    const entered = (events ?? []).reduce<string | null>((before, event) => STATE_AFTER[event] ?? before, null);
    if (entered !== state)
      yield found('SEAL_STATE_NOT_ENTERED', `seal:${id}`, `状态是 ${state}，台账记为 ${entered ?? '无'}`);
  }
  const gone = await sql<
    { id: string }[]
  >`select distinct seal_id as id from seals.seal_event e where not exists (select 1 from seals.seal s where s.id = e.seal_id)`;
  for (const { id } of gone) yield found('SEAL_MISSING', `seal:${id}`, '台账中有，印章不见了');
}

async function* grants(sql: House['sql']): AsyncGenerator<Finding> {
  const rows = await sql<{ sealId: string; matterId: string }[]>`
    with entered as (select distinct on (seal_id, matter_id) seal_id, matter_id, event from seals.seal_event
      where event in ('GRANTED', 'GRANT_WITHDRAWN') order by seal_id, matter_id, serial desc)
    select coalesce(g.seal_id, e.seal_id) as "sealId", coalesce(g.matter_id, e.matter_id) as "matterId" from seals.seal_grant g
    full join (select * from entered where event = 'GRANTED') e on e.seal_id = g.seal_id and e.matter_id = g.matter_id
    where g.seal_id is null or e.seal_id is null`;
  for (const { sealId, matterId } of rows)
    yield found('GRANT_NOT_ENTERED', `seal:${sealId}`, `事项 ${matterId} 的授权与台账不一致`);
}

async function* revocations(sql: House['sql']): AsyncGenerator<Finding> {
  const rows = await sql<
    { id: string; pem: string; code: string | null; ended: boolean }[]
  >`select s.id, s.certificate_pem as pem,
    k.certificate_pem as code, exists (select 1 from seals.seal_event e where e.seal_id = s.id and e.event = 'ENDED') as ended
    from seals.seal s left join seals.seal_code_key k on k.seal_id = s.id`;
  const revoked = new Set(
    (await sql<{ serial: string }[]>`select serial from seals.revocation`).map(({ serial }) => serial),
  );
  for (const { id, pem, code, ended } of rows) {
    const serials = [pem, ...(code === null ? [] : [code])].map((one) =>
      new X509Certificate(one).serialNumber.toLowerCase(),
    );
    for (const serial of serials) {
      if (ended !== revoked.has(serial))
        yield found('REVOCATION_NOT_ENTERED', `seal:${id}`, ended ? '已注销，证书没有吊销' : '没有注销，证书已吊销');
    }
  }
}

/** Numbers without a gap, and no list that forgets. */
async function* lists(sql: House['sql']): AsyncGenerator<Finding> {
  const authorities = await sql<
    { id: string; pem: string }[]
  >`select id, certificate_pem as pem from seals.authority where id in ('root', 'issuing')`;
  const rows = sql<
    { authority: string; number: number; thisUpdate: Date; bytes: Buffer }[]
  >`select authority, number, this_update as "thisUpdate", bytes
    from seals.revocation_list order by authority, number`;
  const before = new Map<string, { number: number; serials: Set<string>; at: Date }>();
  for await (const { authority, number, bytes, thisUpdate } of rowsOf(rows)) {
    const object = `list:${authority} ${number}`;
    const last = before.get(authority);
    if (number !== (last?.number ?? 0) + 1)
      yield found('LIST_MISSING', `list:${authority} ${(last?.number ?? 0) + 1}`, '吊销列表有缺');
    const pem = authorities.find(({ id }) => id === authority)?.pem ?? '';
    const read = readList(bytes, pem);
    if (!read) {
      yield found('LIST_WRONG', object, '吊销列表无法读取，或不是该机构所签');
      continue;
    }
    if (read.thisUpdate.getTime() !== thisUpdate.getTime())
      yield found('LIST_WRONG', object, '吊销列表的时间与登记的不一致');
    const forgotten = [...(last?.serials ?? [])].filter((serial) => !read.serials.has(serial));
    if (forgotten.length > 0) yield found('LIST_FORGETS', object, `不再列出 ${forgotten.join('、')}`);
    if (last && thisUpdate < last.at) yield found('LIST_WRONG', object, '比前一份更早');
    before.set(authority, { number, serials: read.serials, at: thisUpdate });
  }
  const missing = await sql<
    { serial: string; sealId: string; authority: string; at: Date }[]
  >`select serial, seal_id as "sealId", authority, revoked_at as at from seals.revocation`;
  for (const { serial, sealId, authority } of missing) {
    const newest = before.get(authority);
    if (newest && !newest.serials.has(plain(serial))) {
      yield found('LIST_FORGETS', `list:${authority} ${newest.number}`, `没有列出 ${serial}`);
      yield found('LIST_FORGETS', `seal:${sealId}`, `吊销列表没有列出 ${serial}`);
    }
  }
}

function readList(bytes: Uint8Array, issuerPem: string): { serials: Set<string>; thisUpdate: Date } | null {
  const [list] = readLists([bytes]);
  if (!list) return null;
  const { entries, issuedAt, signed, signature } = list;
  if (!verify('sha256', signed, new X509Certificate(issuerPem).publicKey, signature)) return null;
  return { serials: new Set([...entries.keys()].map(plain)), thisUpdate: issuedAt };
}

/** A serial number without the octet that keeps it positive. */
function plain(hex: string): string {
  return hex.toLowerCase().replace(/^(00)+(?=..)/, '');
}

/** What is said of states, and the timestamps of evidence: each has its leaf. */
async function* statements(sql: House['sql'], log: AuditedLog): AsyncGenerator<Finding> {
  const lists = sql<{ at: Date; text: string }[]>`select published_at as at, text from licenses.status_list`;
  for await (const { at, text } of rowsOf(lists, 50)) {
    if (!log.leaves.has(leafName('ATTESTATION', sha256(text)))) {
      yield found('STATEMENT_WITHOUT_LEAF', `status-list:${at.toISOString()}`, '状态列表没有记入透明日志');
    }
  }
  const bundles = sql<
    { identifier: string; bundle: string }[]
  >`select identifier, bundle from licenses.evidence_bundle`;
  for await (const { identifier, bundle } of rowsOf(bundles, 100)) {
    for (const token of tokensIn(bundle)) {
      if (!log.leaves.has(leafName('TIMESTAMP', token)))
        yield found('TIMESTAMP_WITHOUT_LEAF', `license:${identifier}`, '证据包的时间戳没有记入透明日志');
    }
  }
}

function tokensIn(bundle: string): string[] {
  try {
    const { stamps } = JSON.parse(bundle) as { stamps: { token: string }[] };
    return stamps.map(({ token }) => sha256(Buffer.from(token, 'base64')));
  } catch {
    return ['unreadable'];
  }
}
