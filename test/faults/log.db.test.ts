import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readNote } from '../../subgraphs/kernel/tlog/note.ts';
import { openSealsFixture, type SealsFixture } from '../seals/seals-fixture.ts';
import { stateAttestation } from '../support/attestation.ts';
import { waitUntil } from '../support/until.ts';

/** Kills the sequencer three times between the commit of a checkpoint and the writing of its files. */
describe('a hub killed between a checkpoint and its files', () => {
  let fixture: SealsFixture;
  let folder: string;
  beforeAll(async () => {
    fixture = await openSealsFixture();
    folder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
  });
  afterAll(async () => {
    await fixture?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const runUntilKilled = () =>
    new Promise<string | null>((resolve, reject) => {
      const child = fork(new URL('sequencer.ts', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      child.once('error', reject);
      child.once('exit', (_, signal) => resolve(signal));
      const keyEncryptionKey = Buffer.from(fixture.keyEncryptionKey).toString('hex');
      child.send({ databaseUrl: fixture.sealsUrl, keyEncryptionKey, folder });
    });
  const readPublishedSize = () => {
    const at = join(folder, 'checkpoint');
    return existsSync(at) ? readCheckpoint(readNote(readFileSync(at)).text).size : 0;
  };
  const readCommittedSize = async () => {
    const [row] = await fixture.sql`select coalesce(max(size), 0)::int as size from seals.log_checkpoint`;
    return row?.size as number;
  };

  test('publishes the missing files at the next start, and the log continues', async () => {
    let before = 0;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 100; i++) await fixture.seals.attest(stateAttestation(100 * round + i));
      expect(await runUntilKilled()).toBe('SIGKILL');
      // Before it was killed, this start published what the previous one had left.
      expect(readPublishedSize()).toBe(before);
      before = await readCommittedSize();
      expect(before).toBeGreaterThan(readPublishedSize());
    }
    const copy = fixture.openCopy(undefined, { folder });
    copy.start();
    await waitUntil('published', async () => readPublishedSize() === before);
    await copy.stop();
    expect(existsSync(join(folder, 'tile/0/000'))).toBe(true);
    const rows = await fixture.sql`select index::int from seals.log_sequence order by 1`;
    expect(rows.map((row) => row.index)).toEqual(Array.from({ length: before }, (_, i) => i));
  });
});
