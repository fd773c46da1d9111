import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type ReceiveLimits, receiveBody } from '../../subgraphs/cases/material/upload/body-client.ts';
import { MAX_FILE_BYTES } from '../../subgraphs/cases/material/upload/file.ts';
import { createUploadPlaces } from '../../subgraphs/cases/material/upload/places.ts';

const PATIENT: ReceiveLimits = { totalMs: 600_000, minBytesPerSecond: 0, windowMs: 600_000 };
const open = () => new PassThrough() as PassThrough & IncomingMessage;

describe('the body of an upload', () => {
  test('arrives whole, with its digest', async () => {
    const raw = open();
    const body = receiveBody(raw, PATIENT);
    const parts = [Buffer.alloc(70_000, 1), Buffer.alloc(1, 2), Buffer.alloc(300_000, 3)];
    for (const part of parts) raw.write(part);
    raw.end();
    const bytes = Buffer.concat(parts);
    const digest = createHash('sha256').update(bytes).digest('hex');
    expect(await body).toEqual({ bytes: expect.anything(), digest });
    const received = await body;
    expect(typeof received === 'object' && received.bytes.equals(bytes)).toBe(true);
    expect(raw.listenerCount('data')).toBe(0);
  });

  test('may be empty', async () => {
    const raw = open();
    raw.end();
    expect(await receiveBody(raw, PATIENT)).toMatchObject({ bytes: Buffer.alloc(0) });
  });

  test('breaks off with its connection', async () => {
    const raw = open();
    const body = receiveBody(raw, PATIENT);
    raw.write('a');
    raw.destroy();
    expect(await body).toBe('BROKEN_OFF');
    expect(await receiveBody(raw, PATIENT)).toBe('BROKEN_OFF');
  });

  test('is refused at the first byte too many', async () => {
    const raw = open();
    const body = receiveBody(raw, PATIENT);
    raw.write(Buffer.alloc(MAX_FILE_BYTES));
    raw.write('a');
    await expect(body).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });

  test('breaks off when it comes in parts of a byte, and its parts are not kept', async () => {
    const raw = open();
    const body = receiveBody(raw, PATIENT);
    let taken = 0;
    for (let i = 0; i < 70_000 && raw.listenerCount('data') > 0; i++) {
      raw.emit('data', Buffer.from('a'));
      taken += 1;
    }
    expect(await body).toBe('BROKEN_OFF');
    expect(taken).toBe(65_537);
  });

  test('ends as too slow when a window brings too little, or when the time is over', async () => {
    const slow = open();
    slow.write('a');
    expect(await receiveBody(slow, { ...PATIENT, minBytesPerSecond: 1_000, windowMs: 20 })).toBe('TOO_SLOW');
    const long = open();
    expect(await receiveBody(long, { ...PATIENT, totalMs: 20 })).toBe('TOO_SLOW');
  });

  test('goes on while each window brings enough', async () => {
    const raw = open();
    const body = receiveBody(raw, { ...PATIENT, minBytesPerSecond: 1, windowMs: 20 });
    let windows = 0;
    const writer = setInterval(() => {
      raw.write('a');
      if (++windows < 20) return;
      clearInterval(writer);
      raw.end();
    }, 1);
    expect(await body).toMatchObject({ digest: expect.any(String) });
  });
});

describe('places for uploads', () => {
  test('one person has a part of them, and all together no more than there are', () => {
    const places = createUploadPlaces({ inAll: 3, perPerson: 2 });
    const releases = [places.take('a'), places.take('a')];
    expect(() => places.take('a')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED', retryAfterSeconds: 5 }));
    releases.push(places.take('b'));
    expect(() => places.take('b')).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    expect(places.taken).toBe(3);
    releases[0]?.();
    releases[0]?.();
    expect(places.taken).toBe(2);
    places.take('a')();
    for (const release of releases) release();
    expect(places.taken).toBe(0);
  });
});
