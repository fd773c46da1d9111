import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../../scripts/hub/port.ts';
import { createSupervisor, type Supervisor } from '../../scripts/supervisor/app.ts';

/**
 * Creates the reference supervision system on its own port and ledger.
 * A test may open it after the hub, close it, and open it again.
 */
export async function createTestSupervisor(now: () => Date = () => new Date()) {
  const folder = mkdtempSync(join(tmpdir(), 'tq-supervisor-'));
  const port = await findFreePort();
  let supervisor: Supervisor | null = null;
  const close = async () => {
    await supervisor?.app.close();
    supervisor = null;
  };
  return {
    url: `http://127.0.0.1:${port}/pushes`,
    open: async (webhook: string, secret: string) => {
      const ledgerPath = join(folder, 'pushes.jsonl');
      supervisor = createSupervisor({ webhook, secret, hubUrl: '', ledgerPath, now });
      await supervisor.app.listen({ host: '127.0.0.1', port });
    },
    close,
    /** Returns the ids of the pushes that it has accepted, oldest first. */
    taken: () => (supervisor?.listTaken() ?? []).map((entry) => entry.push.data.pushId),
    stop: async () => {
      await close();
      rmSync(folder, { recursive: true });
    },
  };
}
