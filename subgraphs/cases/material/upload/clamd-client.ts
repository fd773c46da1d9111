import { openSocket, toNoAnswer } from '../../../kernel/outgoing/http-client.ts';
import type { Scan, ScanVerdict } from './scan-client.ts';

/** Bytes of one part of a stream. */
const PART_BYTES = 65_536;
const IDLE_TIMEOUT_MS = 8_000;
/** For the whole exchange, as in `askScanner`. */
const TIMEOUT_MS = 10_000;
/** A verdict is one short line. */
const MAX_REPLY_BYTES = 4_096;

/**
 * Returns a scanner that asks a clamd over TCP (clamd(8)).
 * It sends zINSTREAM, then parts that each follow their length in four bytes (big-endian), then a length of zero.
 * The answer ends in NUL. clamd's StreamMaxLength must be at least MAX_FILE_BYTES.
 */
export function scanByClamd(host: string, port: number): Scan {
  return (bytes) =>
    new Promise<ScanVerdict>((resolve) => {
      const unavailable = (reason: string) => resolve({ verdict: 'UNAVAILABLE', reason });
      const socket = openSocket(host, port, TIMEOUT_MS);
      let reply = '';
      socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy(new Error('clamd does not answer')));
      socket.on('error', (error) => unavailable(toNoAnswer(error).message));
      socket.on('connect', () => {
        socket.write('zINSTREAM\0');
        for (let offset = 0; offset < bytes.length; offset += PART_BYTES) {
          const part = bytes.subarray(offset, offset + PART_BYTES);
          socket.write(encodeLength(part.length));
          socket.write(part);
        }
        socket.write(encodeLength(0));
      });
      socket.on('data', (chunk) => {
        reply += chunk.toString('latin1');
        if (reply.includes('\0') || reply.length > MAX_REPLY_BYTES) socket.destroy();
      });
      socket.on('close', () => resolve(parseReply(reply)));
    });
}

function encodeLength(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
}

/** Parses `stream: OK` or `stream: <name> FOUND`. Anything else, including a truncated answer, is UNAVAILABLE. */
function parseReply(reply: string): ScanVerdict {
  const line = reply.endsWith('\0') ? reply.slice(0, -1).trim() : '';
  if (line === 'stream: OK') return { verdict: 'CLEAN' };
  const malware = /^stream: (.+) FOUND$/.exec(line)?.[1];
  if (malware === undefined) return { verdict: 'UNAVAILABLE', reason: '扫描服务没有给出结论' };
  // The uploader reads the name. clamd's own names have these characters only.
  return { verdict: 'INFECTED', reason: /^[\w.:/+()-]{1,100}$/.test(malware) ? malware : '恶意文件' };
}
