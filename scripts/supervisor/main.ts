import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { createSupervisor, sendFinding } from './app.ts';

/**
 * The reference supervision system. `node scripts/supervisor/main.ts` listens for pushes.
 * `node scripts/supervisor/main.ts <push> <kind> <text> [dueOn]` sends a finding.
 */

const settings = z
  .object({
    SUPERVISOR_WEBHOOK: z.uuid(),
    SUPERVISOR_SECRET: z.string().min(1),
    SUPERVISOR_HUB_URL: z.url().default('http://127.0.0.1:4000'),
    SUPERVISOR_PORT: z.coerce.number().int().min(0).max(65_535).default(4020),
  })
  .safeParse(process.env);
if (!settings.success) {
  console.error(`缺少或不正确的设置：${settings.error.issues.map(({ path }) => path.join('.')).join('、')}`);
  console.error('registerWebhook 的答复给出 SUPERVISOR_WEBHOOK 和 SUPERVISOR_SECRET。');
  process.exit(1);
}

const { SUPERVISOR_WEBHOOK, SUPERVISOR_SECRET, SUPERVISOR_HUB_URL, SUPERVISOR_PORT } = settings.data;
const ledgerPath = fileURLToPath(new URL('../../data/supervisor/pushes.jsonl', import.meta.url));
const options = {
  webhook: SUPERVISOR_WEBHOOK,
  secret: SUPERVISOR_SECRET,
  hubUrl: SUPERVISOR_HUB_URL,
  ledgerPath,
  now: () => new Date(),
};
const [push, kind, text, dueOn] = process.argv.slice(2);
if (push !== undefined) {
  const kinds = z.enum(['NOTICE', 'RECTIFICATION', 'SUSPENSION', 'REVOCATION', 'LIFTED']);
  const finding = { push, kind: kinds.parse(kind), text: text ?? '', dueOn, by: '示范监管系统' };
  const { status, answer } = await sendFinding(options, finding);
  console.log(`${status} ${JSON.stringify(answer)}`);
  process.exitCode = status === 200 ? 0 : 1;
} else {
  mkdirSync(dirname(ledgerPath), { recursive: true });
  const { app } = createSupervisor(options);
  console.log(`监管系统：${await app.listen({ host: '127.0.0.1', port: SUPERVISOR_PORT })}/pushes`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close());
}
