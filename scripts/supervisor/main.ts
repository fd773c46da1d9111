import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { endAfter, startProcess } from '../../subgraphs/kernel/environment/stop.ts';
import { readConnectionLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { createSupervisor, sendFinding } from './app.ts';

/**
 * The reference supervision system. `node scripts/supervisor/main.ts` listens for pushes.
 * `node scripts/supervisor/main.ts <push> <kind> <text> [dueOn]` sends a finding.
 */

const environment = readEnvironment('supervisor');
const ledgerPath = resolve(environment.DATA_FOLDER, 'supervisor/pushes.jsonl');
const options = {
  webhook: environment.SUPERVISOR_WEBHOOK,
  secret: environment.SUPERVISOR_SECRET,
  hubUrl: environment.SUPERVISOR_HUB_URL,
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
  startProcess({ service: 'supervisor', level: environment.LOG_LEVEL });
  mkdirSync(dirname(ledgerPath), { recursive: true });
  const { app } = createSupervisor({ ...options, connections: readConnectionLimits(environment) });
  endAfter(() => app.close());
  const { HOST: host, SUPERVISOR_PORT: port } = environment;
  console.log(`监管系统：${await app.listen({ host, port })}/pushes`);
}
