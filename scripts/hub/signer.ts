import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { LogLevel } from '../../subgraphs/kernel/environment/levels.ts';
import { isolateEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { writePublicKeys } from '../../subgraphs/kernel/sealing/service-keys.ts';
import type { Signer } from '../../subgraphs/seals/signer/signer.ts';
import { connectSigner } from '../../subgraphs/seals/signer/signer-client.ts';
import { BootError } from './folder.ts';
import { locateKnownFile, locatePersonKeyFile, type Secrets } from './secrets.ts';

/** Runs the signer as a child process. Only that process holds the private keys. */

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 2_000;
/** A signer that ends unexpectedly is restarted after this pause. The pause doubles each time. */
const MIN_RESTART_PAUSE_MS = 200;
const MAX_RESTART_PAUSE_MS = 30_000;

const SIGNER_MAIN = join(import.meta.dirname, '../../subgraphs/seals/signer/main.ts');
const readyMessageSchema = z.object({ url: z.url() });

export interface SignerProcess {
  signer: Signer;
  /** Returns the pid of the current child. */
  pid(): number | undefined;
  stop(): Promise<void>;
}

export interface SignerOptions {
  logLevel?: LogLevel;
  /** Takes what the signer writes to its standard error stream. By default it goes to this process's. */
  onErrorStream?: (stream: Readable) => void;
}

/** Starts the signer and restarts it whenever it ends unexpectedly. Throws BootError if the first start fails. */
export async function startSigner(
  keyFile: string,
  { serviceKeys }: Pick<Secrets, 'serviceKeys'>,
  options: SignerOptions = {},
): Promise<SignerProcess> {
  const { identities, publicKeys } = serviceKeys;
  const env = isolateEnvironment('signer', {
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: options.logLevel ?? '',
    KEY_ENCRYPTION_KEY_FILE: keyFile,
    PERSON_KEY_FILE: locatePersonKeyFile(keyFile),
    SERVICE_PUBLIC_KEYS: writePublicKeys(publicKeys),
    KNOWN_AUTHORISATIONS_FILE: locateKnownFile(keyFile),
  });
  let running = await startChild(env, options);
  let isStopping = false;
  const keepRunning = async () => {
    for (let pauseMs = MIN_RESTART_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_RESTART_PAUSE_MS)) {
      const startedAt = performance.now();
      await running.ended;
      // After a long run the pause is reset to the shortest.
      if (performance.now() - startedAt > MAX_RESTART_PAUSE_MS) pauseMs = MIN_RESTART_PAUSE_MS;
      if (isStopping) return;
      console.error('签名机意外停止，正在重新启动 — the signer ended unexpectedly and is started again');
      await pause(pauseMs, undefined, { ref: false });
      if (isStopping) return;
      running = await startChild(env, options).catch(() => running);
      if (isStopping) running.child.kill('SIGKILL');
    }
  };
  void keepRunning();
  const stop = async () => {
    isStopping = true;
    running.child.kill('SIGTERM');
    const timer = setTimeout(() => running.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await running.ended;
    clearTimeout(timer);
  };
  const now = () => new Date();
  return {
    signer: connectSigner(() => running.url, { identity: identities.seals, now }),
    pid: () => running.child.pid,
    stop,
  };
}

interface SignerChild {
  child: ChildProcess;
  url: string;
  ended: Promise<void>;
}

async function startChild(env: NodeJS.ProcessEnv, { onErrorStream }: SignerOptions): Promise<SignerChild> {
  // Own process group: Ctrl-C in the terminal stops the hub, which stops the signer last.
  const child = fork(SIGNER_MAIN, [], {
    env,
    execArgv: [],
    detached: true,
    stdio: ['ignore', 'inherit', onErrorStream ? 'pipe' : 'inherit', 'ipc'],
  });
  if (child.stderr) onErrorStream?.(child.stderr);
  const ended = new Promise<void>((done) => {
    child.once('exit', () => done());
  });
  const url = await new Promise<string>((done, fail) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(new BootError('签名机没有启动 — the signer did not start'));
    }, START_TIMEOUT_MS);
    child.once('error', fail);
    child.once('message', (message) => {
      clearTimeout(timer);
      done(readyMessageSchema.parse(message).url);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(new BootError(`签名机启动失败（${code}）— the signer failed to start`));
    });
  });
  return { child, url, ended };
}
