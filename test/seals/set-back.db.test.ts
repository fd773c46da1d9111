import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listAttestation } from '../support/attestation.ts';
import { waitUntil } from '../support/until.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

/** The log's database is set back under a running subgraph: no seal is used after that. */
describe('before each sealing', () => {
  let fixture: SealsFixture;
  beforeAll(async () => {
    fixture = await openSealsFixture();
  });
  afterAll(() => fixture?.close());

  const readSize = async () => Number((await fixture.sql`select size from seals.log_head`)[0]?.size ?? 0);

  async function setBack(size: number): Promise<void> {
    await fixture.sql.begin(async (tx) => {
      const [checkpoint] = await tx`select root from seals.log_checkpoint where size = ${size}`;
      await tx`delete from seals.log_checkpoint where size > ${size}`;
      const deletedRows = await tx`delete from seals.log_sequence where index >= ${size} returning serial`;
      await tx`delete from seals.log_leaf where serial = any(${deletedRows.map((row) => row.serial)})`;
      await tx`update seals.log_head set size = ${size}, root = ${checkpoint?.root}`;
    });
  }

  test('the newest checkpoint that was seen must still be there', async () => {
    const copy = fixture.openCopy();
    copy.start();
    await waitUntil('the first leaves have places', async () => (await readSize()) > 0);
    const older = await readSize();
    expect((await copy.sign(await fixture.request())).state).toBe('SIGNED');
    await waitUntil('the use has a place', async () => (await readSize()) > older);
    await copy.stop();
    const request = await fixture.request();
    const codeRequest = await fixture.codeRequest();
    // Another copy has not seen the newer checkpoint. The watch must have, without its loops.
    const uses = await fixture.countUses();
    await setBack(older);
    await expect(copy.sign(request)).rejects.toMatchObject({ extensions: { code: 'HUB_HALTED' } });
    await expect(copy.signCode(codeRequest)).rejects.toMatchObject({ extensions: { reason: 'DATABASE_SET_BACK' } });
    await expect(copy.attest(listAttestation())).rejects.toThrow('set back');
    await expect(copy.stamp(Buffer.alloc(32))).rejects.toThrow('set back');
    expect(copy.halt?.reason()?.code).toBe('DATABASE_SET_BACK');
    expect(await fixture.countUses()).toBe(uses);
    // A process that starts now knows nothing of what was lost: folder and witnesses tell it.
    expect((await fixture.openCopy().sign(request)).state).toBe('SIGNED');
  });
});
