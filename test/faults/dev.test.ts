import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FOLDERS } from '../../scripts/dev.ts';

/** What `npm run dev` needs to start and to end. */

test.each(FOLDERS)('the watched folder %s exists', (folder) => {
  expect(existsSync(join(import.meta.dirname, '../..', folder))).toBe(true);
});
