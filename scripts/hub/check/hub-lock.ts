import postgres from 'postgres';
import { startLoop } from '../../../subgraphs/kernel/loop.ts';

/** The lock of the running hub on its database: a second hub must not start on it, from whatever folder. */

/** Id of the advisory lock. */
export const HUB_LOCK_ID = 7_330_001;
const RENEW_MS = 5_000;
/** The server ends a connection whose machine is gone after about half a minute, and its lock with it. */
const KEEPALIVES = { tcp_keepalives_idle: 10, tcp_keepalives_interval: 5, tcp_keepalives_count: 4 };

export interface HubLock {
  isHeld: boolean;
  release(): Promise<void>;
}

/**
 * Takes the lock of a hub's database. It is taken again when the database has restarted. `onLost` is called if another
 * hub then has it.
 */
export async function takeHubLock(hubUrl: string, onLost: () => void): Promise<HubLock> {
  const sql = postgres(hubUrl, {
    max: 1,
    onnotice: () => {},
    connection: { application_name: 'tongquan-hub', ...KEEPALIVES },
  });
  const take = async () => {
    const [row] = await sql`select case when exists (
        select from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' and objid = ${HUB_LOCK_ID} and granted
      ) then true else pg_try_advisory_lock(${HUB_LOCK_ID}) end as held`;
    return row?.held === true;
  };
  const isHeld = await take();
  const renew = async () => {
    if (!(await take())) onLost();
    return false;
  };
  const loop = startLoop(renew, { pollMs: RENEW_MS, isDelayed: true });
  const release = async () => {
    await loop.stop();
    await sql.end({ timeout: 1 });
  };
  if (!isHeld) await release();
  return { isHeld, release };
}
