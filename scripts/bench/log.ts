import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { connect } from '../../db/client.ts';
import { deriveRolePassword, toRoleUrl } from '../../db/roles.ts';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import type { AttestRequest } from '../../subgraphs/kernel/sealing/attest.ts';
import { readKey, readNote } from '../../subgraphs/kernel/tlog/note.ts';
import { buildStatementClaims } from '../../subgraphs/licenses/evidence/statement.ts';
import { publish } from '../../subgraphs/seals/log/publication/publish-workflow.ts';
import { assignPlaces, proveLeaf } from '../../subgraphs/seals/log/workflow.ts';
import { audit } from '../audit/audit.ts';
import type { RunningHub } from '../hub/boot.ts';
import { findRunningDatabase } from '../hub/running-database.ts';
import { locateSignerKeyFile } from '../hub/secrets.ts';
import { startSigner } from '../hub/signer.ts';
import { bootTemporary } from '../hub/temporary.ts';

/**
 * `npm run bench:log [LEAVES]`: measures the transparency log on this machine: the time from leaf to cosigned
 * checkpoint, the cost of the log per attestation, and the length of a proof and the time of an audit over LEAVES
 * leaves (default: one million).
 */
const LEAVES = Number(process.argv[2] ?? 1_000_000);
const { SAMPLES } = readEnvironment('bench');
const LEAVES_PER_BATCH = 50_000;

/** Builds the request for a statement on the state of a license. */
function buildAttestation(n: number): AttestRequest {
  const serial = `360731${2_026_000_000 + n}`;
  const parts = { type: '11000000000090018B004', issuer: '11000000000000123W', serial, version: 1 };
  const about = { identifier: writeLicenseIdentifier(parts), version: 1, state: 'VALID' as const };
  return { typ: 'license-status+jwt', claims: buildStatementClaims(about, new Date()) };
}

async function measureCosigning(running: RunningHub, sql: postgres.Sql): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const startedAt = performance.now();
    await running.hub.seals.attest(buildAttestation(i));
    const [leaf] = await sql`select serial from seals.log_leaf where kind = 'ATTESTATION' order by serial desc limit 1`;
    for (;;) {
      const [sequencedLeaf] =
        await sql`select 1 from seals.log_sequence s join seals.log_cosignature c on c.size > s.index where s.serial = ${leaf?.serial}`;
      if (sequencedLeaf) break;
      await pause(5);
    }
    times.push(performance.now() - startedAt);
    await pause(Math.random() * 300);
  }
  return times.sort((shorter, longer) => shorter - longer);
}

/** Measures statements with their leaves, and leaves alone: the cost that the log adds to a use of a key. */
async function measureCosts(running: RunningHub, sql: postgres.Sql): Promise<{ withLog: number; leaves: number }> {
  const count = 300;
  const from = performance.now();
  for (let i = 0; i < count; i++) await running.hub.seals.attest(buildAttestation(i));
  const withLog = (performance.now() - from) / count;
  const [leaf] = await sql`select entry, hash from seals.log_leaf order by serial desc limit 1`;
  const leavesStartedAt = performance.now();
  for (let i = 0; i < count; i++) {
    await sql.begin(async (tx) => {
      const [row] = await tx`insert into seals.log_leaf (kind, subject, entry, hash, at)
        values ('ATTESTATION', ${`bench ${i} ${Math.random()}`}, ${leaf?.entry}, ${leaf?.hash}, now()) returning serial`;
      // Deleted in the same transaction: the running sequencer must not see it.
      await tx`insert into seals.log_pending (serial) values (${row?.serial})`;
      await tx`delete from seals.log_pending where serial = ${row?.serial}`;
    });
  }
  const leaves = (performance.now() - leavesStartedAt) / count;
  await sql`delete from seals.log_leaf where subject like 'bench %'`;
  return { withLog, leaves };
}

/** Fills the log with SQL, then sequences every leaf as the hub does. Returns the seconds of the sequencing. */
async function fillLog(sql: postgres.Sql, folder: string, running: RunningHub): Promise<number> {
  for (let from = 0; from < LEAVES; from += LEAVES_PER_BATCH) {
    await sql`with made as (select 'fill ' || i as subject, '{"at":"2026-11-26T00:00:00.000Z","digest":"' || encode(sha256(('fill ' || i)::bytea), 'hex')
        || '","kind":"ATTESTATION","typ":"license-status+jwt","v":1}' as entry from generate_series(${from}::int, ${Math.min(from + LEAVES_PER_BATCH, LEAVES) - 1}::int) i),
      leaves as (insert into seals.log_leaf (kind, subject, entry, hash, at) select 'ATTESTATION', encode(sha256(subject::bytea), 'hex'), entry,
        sha256('\\x00'::bytea || convert_to(entry, 'UTF8')), '2026-11-26T00:00:00Z' from made returning serial)
      insert into seals.log_pending (serial) select serial from leaves`;
  }
  const signer = await startSigner(locateSignerKeyFile(folder), running.secrets);
  const url = toRoleUrl(
    findRunningDatabase(folder),
    'tq_seals',
    deriveRolePassword(running.secrets.databaseKey, 'tq_seals'),
  );
  const { db, close } = connect(url, 'bench');
  const origin =
    readNote((await sql`select note from seals.log_checkpoint limit 1`)[0]?.note).text.split('\n')[0] ?? '';
  const from = performance.now();
  while ((await assignPlaces({ db, now: () => new Date(), signer: signer.signer, origin })) > 0);
  const seconds = (performance.now() - from) / 1000;
  while (await publish({ db, folder: join(folder, 'log'), witnesses: [] }));
  await close();
  await signer.stop();
  return seconds;
}

async function main(): Promise<void> {
  const running = await bootTemporary('bench', () => {});
  const { dataFolder } = running;
  const sql = postgres(findRunningDatabase(dataFolder), { max: 2, onnotice: () => {} });
  try {
    console.log(`${cpus().length} × ${cpus()[0]?.model ?? ''}, Node ${process.version}`);
    const times = await measureCosigning(running, sql);
    const percentile = (part: number) =>
      Math.round(times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0);
    console.log(
      `leaf to cosigned checkpoint: median ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms, most ${percentile(1)} ms, of ${SAMPLES}`,
    );
    const { withLog, leaves } = await measureCosts(running, sql);
    console.log(
      `a statement ${withLog.toFixed(1)} ms with its leaf; a leaf alone in a transaction ${leaves.toFixed(1)} ms`,
    );
    const logKey = readKey(await running.hub.seals.logKey());
    const root = Buffer.from(await running.hub.seals.rootCertificate());
    await pause(3_000);
    await running.hub.stop();
    const seconds = await fillLog(sql, dataFolder, running);
    console.log(`${LEAVES} leaves sequenced in ${seconds.toFixed(0)} s, ${Math.round(LEAVES / seconds)} per second`);
    const url = toRoleUrl(
      findRunningDatabase(dataFolder),
      'tq_seals',
      deriveRolePassword(running.secrets.databaseKey, 'tq_seals'),
    );
    const { db, close } = connect(url, 'bench');
    const [certificate] = await sql`select subject from seals.log_leaf where kind = 'CERTIFICATE' limit 1`;
    const proof = await proveLeaf(db, [], 'CERTIFICATE', certificate?.subject);
    await close();
    const text = proof.state === 'PROVEN' ? proof.text : '';
    const proofOnly = text.replace(/^extra .*\n/m, '');
    console.log(
      `a proof over ${LEAVES} leaves: ${proofOnly.length} bytes, ${text.length} with its entry; a witness adds about 150`,
    );
    const from = performance.now();
    const auditInput = {
      sql,
      logFolder: join(dataFolder, 'log'),
      logKey,
      witnesses: [],
      roots: [root],
      now: new Date(),
    };
    let findings = 0;
    for await (const { code, object } of audit(auditInput)) if (findings++ < 5) console.log(`  ${code} ${object}`);
    console.log(
      `audit: ${((performance.now() - from) / 1000).toFixed(1)} s, ${findings} findings, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
    );
  } finally {
    await sql.end();
    await running.stop();
  }
}

await main();
process.exit();
