import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endAfter } from '../../subgraphs/kernel/environment/stop.ts';
import { boot, type RunningHub } from './boot.ts';
import { findFreePort } from './port.ts';

/**
 * Starts a hub in a folder of its own, which `stop` removes. Whatever ends this process also stops the hub and removes
 * the folder. `purpose` is part of the folder's name.
 */
export async function bootTemporary(
  purpose: string,
  say: (line: string) => void,
): Promise<RunningHub & { dataFolder: string }> {
  const dataFolder = mkdtempSync(join(tmpdir(), `tongquan-${purpose}-`));
  const abort = new AbortController();
  const stop = async () => {
    abort.abort();
    const running = await starting.catch(() => null);
    await running?.stop();
    rmSync(dataFolder, { recursive: true, force: true });
  };
  endAfter(stop);
  const start = async () => {
    const [port, libraryPort] = [await findFreePort(), await findFreePort()];
    const place = { dataFolder, host: '127.0.0.1', port, libraryPort };
    return boot({ ...place, databaseUrl: null, withLibrary: true, say, signal: abort.signal });
  };
  const starting = start();
  try {
    return { ...(await starting), dataFolder, stop };
  } catch (error) {
    // The process ends when it has stopped. Until then nobody may go on without a hub.
    if (abort.signal.aborted) await new Promise(() => {});
    rmSync(dataFolder, { recursive: true, force: true });
    throw error;
  }
}
