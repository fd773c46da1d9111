import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readNote } from '../../subgraphs/kernel/tlog/note.ts';
import { openWorkshop, type Workshop } from '../seals/workshop.ts';
import { waitUntil } from '../support/until.ts';

/** Kills the sequencer three times between the commit of a checkpoint and the writing of its files. */
describe('a hub killed between a checkpoint and its files', () => {
  let shop: Workshop;
  let folder: string;
  beforeAll(async () => {
    shop = await openWorkshop();
    folder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
  });
  afterAll(async () => {
    await shop?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const die = () =>
    new Promise<string | null>((resolve, reject) => {
      const child = fork(new URL('sequencer.ts', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      child.once('error', reject);
      child.once('exit', (_, signal) => resolve(signal));
      const keyEncryptionKey = Buffer.from(shop.keyEncryptionKey).toString('hex');
      child.send({ databaseUrl: shop.sealsUrl, keyEncryptionKey, folder });
    });
  const published = () => {
    const at = join(folder, 'checkpoint');
    return existsSync(at) ? readCheckpoint(readNote(readFileSync(at)).text).size : 0;
  };
  const committed = async () => {
    const [row] = await shop.sql`select coalesce(max(size), 0)::int as size from seals.log_checkpoint`;
    return row?.size as number;
  };

  test('publishes the missing files at the next start, and the log continues', async () => {
    let before = 0;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 100; i++) await shop.seals.attest({ typ: 'statuslist+jwt', claims: { round, i } });
      expect(await die()).toBe('SIGKILL');
      // Before it was killed, this start published what the previous one had left.
      expect(published()).toBe(before);
      before = await committed();
      expect(before).toBeGreaterThan(published());
    }
    const copy = shop.another(undefined, { folder });
    copy.start();
    await waitUntil('published', async () => published() === before);
    await copy.stop();
    expect(existsSync(join(folder, 'tile/0/000'))).toBe(true);
    const rows = await shop.sql`select index::int from seals.log_sequence order by 1`;
    expect(rows.map((row) => row.index)).toEqual(Array.from({ length: before }, (_, i) => i));
  });
});
