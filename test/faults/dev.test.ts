import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createInterrupt, FOLDERS } from '../../scripts/dev.ts';

/** What `npm run dev` needs to start and to end. */

test.each(FOLDERS)('the watched folder %s exists', (folder) => {
  expect(existsSync(join(import.meta.dirname, '../..', folder))).toBe(true);
});

test('the first Ctrl-C waits for the hub, the second one ends at once', async () => {
  const exit = vi.fn();
  const stopped = Promise.withResolvers<void>();
  const interrupt = createInterrupt(() => stopped.promise, exit);
  interrupt();
  await Promise.resolve();
  expect(exit).not.toHaveBeenCalled();
  interrupt();
  expect(exit).toHaveBeenCalledExactlyOnceWith(130);
});

test('one Ctrl-C exits once the hub has stopped', async () => {
  const exit = vi.fn();
  createInterrupt(async () => {}, exit)();
  await vi.waitFor(() => expect(exit).toHaveBeenCalledExactlyOnceWith(0));
});
