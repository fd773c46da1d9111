import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_FILE_BYTES } from '../../subgraphs/cases/material/upload/file.ts';
import { buildPdf } from '../support/files.ts';
import { createTestHub, type TestHub, type TestHubOptions } from '../support/hub.ts';
import { uploadFile } from '../support/upload.ts';

/** Slow and many uploads over real sockets: input 16 of the inputs that failed. */

const [APPLICANT, CLERK] = ['applicant-company', 'window-yudu'];
const LONG_MS = 600_000;

interface SlowUpload {
  socket: Socket;
  /** Everything that came back when the connection ended. */
  answer: Promise<string>;
}

describe.each(['local', 'http'] as const)('subgraphs reached %s', (transport) => {
  let hub: TestHub;
  let port: number;
  const openHub = async (uploadLimits: TestHubOptions['uploadLimits']) => {
    hub = await createTestHub({ transport, uploadLimits });
    port = Number(new URL(await hub.hub.app.listen({ host: '127.0.0.1', port: 0 })).port);
  };

  /** Begins an upload of `length` bytes and sends its first ones. */
  const begin = async (person: string, length = MAX_FILE_BYTES): Promise<SlowUpload> => {
    const head = [
      'POST /cases/materials HTTP/1.1',
      'host: hub',
      `authorization: Bearer ${await hub.token(person)}`,
      'x-file-name: a.pdf',
      `content-length: ${length}`,
    ].join('\r\n');
    const socket = connect(port, '127.0.0.1');
    // Written at once: what a test writes before the connection stands must not overtake the head.
    socket.write(`${head}\r\n\r\n%PDF-1.7`);
    let received = '';
    socket.on('error', () => {});
    socket.on('data', (part) => {
      received += part.toString('utf8');
    });
    return { socket, answer: new Promise((resolve) => socket.on('close', () => resolve(received))) };
  };

  describe('a person who holds all places of one person', () => {
    const held: SlowUpload[] = [];
    beforeAll(async () => {
      const receive = { totalMs: LONG_MS, minBytesPerSecond: 0, windowMs: LONG_MS };
      await openHub({ places: { inAll: 3, perPerson: 2 }, receive });
    });
    afterAll(() => hub?.stop());

    /** Begins uploads until a further one is refused with `code`: an upload that has begun is not seen from outside. */
    const holdPlaces = async (person: string, code: string) => {
      for (;;) {
        held.push(await begin(person));
        await pause(100);
        const { body } = await uploadFile(hub, person, buildPdf());
        if (body.code === code) return;
      }
    };

    test('is told to come again, while another person uploads', async () => {
      await holdPlaces(APPLICANT, 'RATE_LIMITED');
      const answer = await uploadFile(hub, APPLICANT, buildPdf());
      expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '5' }, body: { code: 'RATE_LIMITED' } });
      for (let i = 0; i < 5; i++) expect((await uploadFile(hub, CLERK, buildPdf(String(i)))).status).toBe(201);
      const page = await hub.ask(APPLICANT, '{ uploads(first: 1) { edges { node { id: uuid } } } }');
      expect(page.errors).toBeUndefined();
    });

    test('when all places are taken, everybody is told to come again', async () => {
      await holdPlaces(CLERK, 'OVERLOADED');
      const answer = await uploadFile(hub, 'window-xingguo', buildPdf());
      expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    });

    test('has them back when the connections break', async () => {
      for (const { socket } of held) socket.destroy();
      await expect.poll(async () => (await uploadFile(hub, APPLICANT, buildPdf('again'))).status).toBe(201);
    });
  });

  describe('an upload below the least speed', () => {
    beforeAll(() =>
      openHub({
        places: { inAll: 2, perPerson: 1 },
        receive: { totalMs: LONG_MS, minBytesPerSecond: 100_000, windowMs: 300 },
      }),
    );
    afterAll(() => hub?.stop());

    test('is ended with a clear answer, and its place is free', async () => {
      const { socket, answer } = await begin(APPLICANT);
      const drip = setInterval(() => socket.write('a'), 20);
      const text = await answer;
      clearInterval(drip);
      expect(text).toMatch(/^HTTP\/1\.1 408 /);
      expect(text).toContain('"code":"UPLOAD_TOO_SLOW"');
      expect((await uploadFile(hub, APPLICANT, buildPdf('fast'))).status).toBe(201);
    });
  });

  describe('an upload that is never whole', () => {
    beforeAll(() =>
      openHub({
        places: { inAll: 2, perPerson: 1 },
        receive: { totalMs: 500, minBytesPerSecond: 1, windowMs: 100 },
      }),
    );
    afterAll(() => hub?.stop());

    test('is ended when its time is over, however fast it is', async () => {
      const { socket, answer } = await begin(APPLICANT);
      const flow = setInterval(() => socket.write(Buffer.alloc(1_000)), 20);
      const text = await answer;
      clearInterval(flow);
      expect(text).toMatch(/^HTTP\/1\.1 408 /);
      expect((await uploadFile(hub, APPLICANT, buildPdf('fast'))).status).toBe(201);
    });
  });
});
