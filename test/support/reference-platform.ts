import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { createPlatform } from '../../scripts/approval-platform/app.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { PLATFORM_ORGAN, type PlatformKeys } from './platform.ts';

/**
 * Creates the reference approval platform on its own port and folder.
 * A test may open it after the hub, close it, and open it again.
 */
export async function createTestPlatform(
  keys: PlatformKeys,
  audience: string,
  decideAfterSeconds: number | null = null,
  now?: () => Date,
) {
  const folder = mkdtempSync(join(tmpdir(), 'tq-platform-'));
  const port = await findFreePort();
  const base = `http://127.0.0.1:${port}`;
  const url = `${base}/hub`;
  let app: FastifyInstance | null = null;
  const close = async () => {
    await app?.close();
    app = null;
  };
  return {
    url,
    folder,
    open: async ({ id, secretVersion, secret }: { id: string; secretVersion: number; secret: string }) => {
      app = createPlatform({
        folder,
        organ: PLATFORM_ORGAN,
        key: keys,
        hub: { kid: `${id}.${secretVersion}`, secret: Buffer.from(secret, 'base64url'), aud: url },
        audience,
        decideAfterSeconds,
        pollMs: 20,
        ...(now === undefined ? {} : { now }),
      });
      await app.listen({ host: '127.0.0.1', port });
    },
    close,
    /** Orders a step through its HTTP interface. Returns the id of the message. */
    order: async (path: string, body: object): Promise<string> => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${base}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (response.status !== 202) throw new Error(await response.text());
      return ((await response.json()) as { id: string }).id;
    },
    // biome-ignore lint/suspicious/noExplicitAny: a test reads only some fields
    see: async (path: string): Promise<any[]> => (await fetch(`${base}${path}`)).json() as Promise<any[]>,
    stop: async () => {
      await close();
      rmSync(folder, { recursive: true });
    },
  };
}
