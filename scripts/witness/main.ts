import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { endAfter, startProcess } from '../../subgraphs/kernel/environment/stop.ts';
import { readConnectionLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { lockFolder } from '../hub/folder.ts';
import { createWitness } from './app.ts';
import { openMemory } from './memory.ts';
import { formatWitnessKey, parseLogKey } from './note.ts';

/**
 * `npm run witness`: starts a reference witness and prints its own key for the hub's LOG_WITNESSES.
 * docs/configuration.md lists its environment variables.
 */

/** Returns the witness's own key. Creates it at the first start. */
function openKey(file: string): KeyObject {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx', flush: true });
  }
  return createPrivateKey(readFileSync(file));
}

async function main(): Promise<void> {
  const settings = readEnvironment('witness', {
    WITNESS_LOGS: (text: string) => text.split(',').map((logKey) => parseLogKey(logKey.trim())),
  });
  const { HOST, LOG_LEVEL, WITNESS_LOGS, WITNESS_NAME, WITNESS_FOLDER, WITNESS_PORT } = settings;
  startProcess({ service: 'witness', level: LOG_LEVEL });
  const releaseFolder = lockFolder(WITNESS_FOLDER);
  const [keyFile, memoryFile] = [join(WITNESS_FOLDER, 'witness.key'), join(WITNESS_FOLDER, 'memory.json')];
  if (!existsSync(memoryFile)) {
    // A witness that lost its memory would sign for a log that has removed entries.
    if (existsSync(keyFile)) throw new Error(`${memoryFile} 不见了：须用新的密钥 — the memory is gone, take a new key`);
    writeFileSync(memoryFile, '{}', { mode: 0o600, flush: true });
  }
  const privateKey = openKey(keyFile);
  const app = createWitness({
    name: WITNESS_NAME,
    privateKey,
    logs: WITNESS_LOGS,
    memory: openMemory(memoryFile),
    now: () => new Date(),
    connections: readConnectionLimits(settings),
  });
  endAfter(async () => {
    await app.close();
    await releaseFolder();
  });
  const url = await app.listen({ port: WITNESS_PORT, host: HOST });
  console.log(`见证 witness ${url}\nLOG_WITNESSES="${formatWitnessKey(WITNESS_NAME, privateKey)} ${url}"`);
}

main().catch((error) => {
  console.error(`见证无法启动：${error instanceof Error ? error.message : error}`);
  process.exit(1);
});
