import { getHeapStatistics } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import { PeerError, Refusal } from '../refusal.ts';
import { type ParserTable, packMessage, type WorkerAnswer, type WorkerRequest } from './message.ts';

/**
 * The main file of a worker thread that parses what strangers send. It runs one parser at a time, without environment,
 * secrets or output streams. The pool ends it if a parser takes too long or too much memory.
 */

const answer = (message: WorkerAnswer, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);

async function run({ module, name, input }: WorkerRequest): Promise<void> {
  const { PARSERS } = (await import(module)) as { PARSERS: ParserTable };
  const parser = Object.hasOwn(PARSERS, name) ? PARSERS[name] : undefined;
  if (!parser) throw new Error(`${module} has no parser ${name}`);
  const { used_heap_size: heapBytes, external_memory: bufferBytes } = getHeapStatistics();
  answer({ kind: 'started', usedBytes: heapBytes + bufferBytes });
  const { value, transfer } = packMessage(await parser(input));
  answer({ kind: 'done', output: value }, transfer);
}

parentPort?.on('message', (request: WorkerRequest) => {
  run(request).catch((error: unknown) => {
    if (error instanceof Refusal) {
      answer({ kind: 'refused', code: error.code, field: error.field, message: error.message });
    } else if (error instanceof PeerError) answer({ kind: 'peer', message: error.message });
    else answer({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
