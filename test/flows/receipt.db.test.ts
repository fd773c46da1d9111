import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { readProof, requireCheckpoint, requireLoggedLeaf } from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readKey } from '../../subgraphs/kernel/tlog/note.ts';
import { hashLeaf } from '../../subgraphs/kernel/tlog/tree.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { findRefusalOfAct } from '../support/own-act.ts';
import { waitUntil } from '../support/until.ts';

const route = ROUTES.DIRECT;
const MAIN = new URL('../../scripts/city-library/main.ts', import.meta.url).pathname;
const ORIGIN = 'tongquan.test/yudu/seals';

describe.each(['local', 'http'] as const)(
  'receipts of the city library in the log, subgraphs reached %s',
  (transport) => {
    let hub: TestHub;
    let library: Awaited<ReturnType<typeof createTestLibrary>>;
    let folder: string;
    let sql: postgres.Sql;
    let openLibrary: () => Promise<void>;
    beforeAll(async () => {
      library = await createTestLibrary();
      folder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
      hub = await createTestHub({
        transport,
        library: library.settings,
        log: { folder, witnesses: [library.witness] },
      });
      sql = postgres(hub.adminUrl, { max: 2, onnotice: () => {} });
      const { seals } = hub.hub;
      openLibrary = async () => library.open(await seals.rootCertificate(), [await seals.logKey()]);
      await openLibrary();
    });
    afterAll(async () => {
      await sql?.end();
      await hub?.stop();
      await library?.stop();
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    interface Row {
      stream: string;
      revision: number;
      receipt: string | null;
      payload: { identifier: string; documentDigest: string };
      entry: string | null;
      isDelivered: boolean;
    }
    /** Returns every act on a license with its receipt and its log leaf. */
    const listActs = () => sql<Row[]>`
    select e.stream, e.revision, e.payload, r.receipt, l.entry, r.revision is not null as "isDelivered"
    from licenses.outbox_event e
    left join licenses.outbox_receipt r on r.consumer = 'library' and r.stream = e.stream and r.revision = e.revision
    left join seals.log_leaf l on l.kind = 'RECEIPT' and l.subject = 'library ' || e.stream || ' ' || e.revision
    where e.type = 'LicenseChanged' order by e.occurred_at`;
    const allDelivered = () =>
      waitUntil('all are collected', async () => {
        const rows = await listActs();
        return rows.every((row) => row.isDelivered) && rows;
      });
    const fetchText = async (path: string) => (await hub.hub.app.inject(path)).body;
    const own = (name: string, identifier: string) => findRefusalOfAct(hub, 'yudu-lyj', name, { identifier });

    test('every collected revision has its leaf, which matches its receipt', async () => {
      const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), 1);
      await allDelivered();
      await waitUntil('the library is a witness', async () => (await library.checkpoint()) !== null);
      for (const name of ['suspend', 'restore']) expect(await own(name, license.identifier)).toBeNull();
      const rows = await allDelivered();
      expect(rows).toHaveLength(3);
      for (const { stream, revision, receipt, payload, entry } of rows) {
        const { identifier, documentDigest } = payload;
        const subject = `${stream} ${revision}`;
        const about = { subject, identifier, revision, documentDigest, digest: sha256(receipt ?? '') };
        expect(JSON.parse(entry ?? '')).toEqual({
          v: 1,
          kind: 'RECEIPT',
          from: 'library',
          ...about,
          ...{ isSigned: true, isSalted: true },
          at: expect.any(String),
        });
      }
      const content = rows.map(({ receipt }) =>
        JSON.parse(Buffer.from(receipt?.split('.')[1] ?? '', 'base64url').toString()),
      );
      // The checkpoint in the receipt is one that the log signed.
      const { origin, size, root } = content.at(-1).checkpoint;
      const [signedCheckpoint] = await sql`select root from seals.log_checkpoint where size = ${size}`;
      expect([origin, root]).toEqual([ORIGIN, signedCheckpoint?.root.toString('base64')]);
    });

    test('the leaf is proven under a checkpoint that the library signed', async () => {
      const [row] = await listActs();
      const subject = encodeURIComponent(`library ${row?.stream} ${row?.revision}`);
      const trust = {
        origin: ORIGIN,
        log: readKey(await hub.hub.seals.logKey()),
        witnesses: [readKey(library.witness.vkey)],
      };
      const isProven = await waitUntil('it is proven with the library', async () => {
        const proof = await fetchText(`/log/proof/${subject}?kind=RECEIPT`);
        if (!proof.startsWith('c2sp.org/')) return false;
        const { witnesses } = requireLoggedLeaf(proof, hashLeaf(Buffer.from(readProof(proof).extra ?? [])), trust);
        return witnesses.length === 1;
      });
      expect(isProven).toBe(true);
      const libraryCheckpoint = requireCheckpoint((await library.checkpoint()) ?? '', trust);
      expect(libraryCheckpoint.witnesses).toHaveLength(1);
    });

    test('the reconcile command of the library compares with the hub, beginning with the log', async () => {
      await allDelivered();
      const hubUrl = await hub.hub.app.listen({ port: 0, host: '127.0.0.1' });
      const run = async (person: string) => {
        const environment = {
          ...{ PATH: process.env.PATH, LIBRARY_DATABASE_URL: library.databaseUrl, LIBRARY_HUB_URL: hubUrl },
          ...{ LIBRARY_LOG_KEY: await hub.hub.seals.logKey(), LIBRARY_HUB_TOKEN: await hub.token(person) },
        };
        const child = spawn(process.execPath, [MAIN, '--reconcile'], { env: environment });
        let output = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
        const code = await new Promise((resolve) => child.once('close', resolve));
        return { code, output };
      };
      const goodRun = await run('library');
      expect(goodRun.output).toMatch(/^枢纽日志 \d+ 项（根 .{44}）；核对 3 次操作，差异 0 处\n$/);
      expect(goodRun.code).toBe(0);
      expect(await run('window-xingguo')).toMatchObject({
        code: 1,
        output: expect.stringMatching(/^对账没有完成：枢纽不给变更流/),
      });
      const own = postgres(library.databaseUrl, { max: 1 });
      await own`update city_library.act set reconciliation = null where revision = 2`;
      await own.end();
      const badRun = await run('library');
      expect(badRun).toMatchObject({ code: 1, output: expect.stringContaining('第 2 号 本库已归集，枢纽变更流没有') });
    });

    test('a delivery needs a stored leaf; without the log it is sent again and gets the same receipt', async () => {
      await library.close();
      const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), 2);
      await sql`alter table seals.log_leaf rename to log_leaf_away`;
      await openLibrary();
      const stream = `license:${license.number}`;
      const readDelivery = async () => {
        const [row] = await sql`
        select attempts, delivered, last_error from licenses.outbox_delivery where consumer = 'library' and stream = ${stream}`;
        return row;
      };
      await waitUntil('the library has it', async () => (await library.receipts(license.number)).length === 1);
      const [storedReceipt] = await library.receipts(license.number);
      const attemptsBefore = (await readDelivery())?.attempts;
      await waitUntil('it was tried once more', async () => (await readDelivery())?.attempts > attemptsBefore);
      expect((await readDelivery())?.delivered).toBe(0);
      await sql`alter table seals.log_leaf_away rename to log_leaf`;
      const rows = await allDelivered();
      const row = rows.find((act) => act.stream === stream);
      expect(row?.receipt).toBe(storedReceipt);
      expect(JSON.parse(row?.entry ?? '')).toMatchObject({ digest: sha256(storedReceipt ?? '') });
    });

    test('a receipt by a key that is not pinned keeps the delivery open and records the error', async () => {
      await library.close();
      const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), 3);
      const restoreKey = await library.changeKey();
      await openLibrary();
      const stream = `license:${license.number}`;
      const content = await waitUntil('it is refused', async () => {
        const [row] = await sql`
        select delivered, rejected_at, last_error from licenses.outbox_delivery where consumer = 'library' and stream = ${stream}`;
        return row?.last_error?.includes('回执不成立') && row;
      });
      expect(content).toMatchObject({ delivered: 0, rejected_at: null });
      expect((await listActs()).filter((act) => act.entry === null)).toHaveLength(1);
      await library.close();
      await restoreKey();
      await openLibrary();
      await allDelivered();
      expect((await listActs()).filter((act) => act.entry === null)).toEqual([]);
    });
  },
);
