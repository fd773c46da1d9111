import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createWitness } from '../../scripts/witness/app.ts';
import { openMemory } from '../../scripts/witness/memory.ts';
import { formatWitnessKey, parseLogKey } from '../../scripts/witness/note.ts';
import {
  readCheckpoint,
  readProof,
  requireCheckpoint,
  requireLoggedLeaf,
} from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readKey, readNote } from '../../subgraphs/kernel/tlog/note.ts';
import { computeRoot, hashLeaf, proveConsistency } from '../../subgraphs/kernel/tlog/tree.ts';
import { parseWitnesses } from '../../subgraphs/seals/log/witness-client.ts';
import { stateAttestation } from '../support/attestation.ts';
import { waitUntil } from '../support/until.ts';
import { NoteSigner } from './note-signer.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

const NAME = 'witness.example/w1';
const WITNESS_TIME = new Date('2026-03-02T01:00:00.000Z');
const folders: string[] = [];
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-witness-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

interface RunningWitness {
  url: string;
  vkey: string;
  app: FastifyInstance;
  /** Closes the witness and starts it again with the same key and memory. */
  restart(): Promise<RunningWitness>;
}

async function openWitness(
  logs: string[],
  file = join(newFolder(), 'memory.json'),
  key?: KeyObject,
  port = 0,
): Promise<RunningWitness> {
  const privateKey = key ?? generateKeyPairSync('ed25519').privateKey;
  const app = createWitness({
    ...{ name: NAME, privateKey, memory: openMemory(file), now: () => WITNESS_TIME },
    logs: logs.map((one) => parseLogKey(one)),
  });
  const url = await app.listen({ port, host: '127.0.0.1' });
  const restart = async () => {
    await app.close();
    return openWitness(logs, file, privateKey, Number(new URL(url).port));
  };
  return { url, vkey: formatWitnessKey(NAME, privateKey), app, restart };
}

describe('a witness', () => {
  const ORIGIN = 'example.com/log';
  const noteSigner = new NoteSigner(ORIGIN);
  const [mainLeaves, forkLeaves] = ['main', 'fork'].map((name) =>
    Array.from({ length: 20 }, (_, i) => hashLeaf(Buffer.from(i < 3 ? `leaf ${i}` : `${name} ${i}`))),
  ) as [Uint8Array[], Uint8Array[]];
  const reader = (leaves: readonly Uint8Array[]) => (height: number, index: number) =>
    rootOf(leaves.slice(index * 2 ** height, (index + 1) * 2 ** height));
  const rootOf = (leaves: readonly Uint8Array[]): Uint8Array => {
    const [only] = leaves;
    if (leaves.length === 1 && only) return only;
    const half = leaves.length / 2;
    const parts = [Buffer.from([1]), rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half))];
    return createHash('sha256').update(Buffer.concat(parts)).digest();
  };
  const body = async (leaves: readonly Uint8Array[], old: number, size: number, by = noteSigner) => {
    const proof = await proveConsistency(reader(leaves), old, size);
    const lines = [`old ${old}`, ...proof.map((hash) => Buffer.from(hash).toString('base64'))];
    return `${lines.join('\n')}\n\n${by.checkpoint(size, await computeRoot(reader(leaves), size))}`;
  };
  let witness: RunningWitness;
  beforeEach(async () => {
    witness = await openWitness([noteSigner.vkey]);
  });
  afterEach(() => witness.app.close());
  const postCheckpoint = async (payload: string) => {
    const answer = await fetch(`${witness.url}/add-checkpoint`, {
      method: 'POST',
      body: payload,
      headers: { connection: 'close' },
    });
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
  };

  test('signs growth from an empty tree, step by step, and the same tree again', async () => {
    for (const [old, size] of [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 8],
      [8, 8],
      [8, 13],
      [13, 20],
    ] as const) {
      const request = await body(mainLeaves, old, size);
      const answer = await postCheckpoint(request);
      expect(answer.status, `${old} to ${size}`).toBe(200);
      const note = request.slice(request.indexOf('\n\n') + 2);
      const trust = { origin: ORIGIN, log: readKey(noteSigner.vkey), witnesses: [readKey(witness.vkey)] };
      const [cosignature] = requireCheckpoint(note + answer.text, trust).witnesses;
      expect(Number(cosignature?.time)).toBe(WITNESS_TIME.getTime() / 1_000);
      const hash = createHash('sha256').update(ORIGIN).digest('hex');
      expect(await (await fetch(`${witness.url}/${hash}/checkpoint`)).text()).toBe(note + answer.text);
    }
  });

  test('refuses a fork, a rollback and a forged proof, and keeps its memory over a restart', async () => {
    expect((await postCheckpoint(await body(mainLeaves, 0, 8))).status).toBe(200);
    expect((await postCheckpoint(await body(forkLeaves, 8, 13))).status).toBe(422);
    expect((await postCheckpoint(await body(forkLeaves, 8, 8))).status).toBe(422);
    const conflict = { status: 409, type: 'text/x.tlog.size', text: '8\n' };
    expect(await postCheckpoint(await body(mainLeaves, 0, 5))).toEqual(conflict);
    expect(await postCheckpoint(await body(mainLeaves, 3, 13))).toEqual(conflict);
    const validBody = await body(mainLeaves, 8, 13);
    expect(
      (await postCheckpoint(validBody.replace('\n\n', `\n${randomBytes(32).toString('base64')}\n\n`))).status,
    ).toBe(422);
    expect((await postCheckpoint(validBody.replace(/\n.*\n\n/, '\n\n'))).status).toBe(422);
    witness = await witness.restart();
    expect(await postCheckpoint(await body(forkLeaves, 0, 13))).toEqual(conflict);
    expect((await postCheckpoint(validBody)).status).toBe(200);
  });

  test('returns a specific status for each other fault', async () => {
    const stranger = new NoteSigner('example.com/other');
    const impostor = new NoteSigner(ORIGIN);
    expect((await postCheckpoint(await body(mainLeaves, 0, 3, stranger))).status).toBe(404);
    expect((await postCheckpoint(await body(mainLeaves, 0, 3, impostor))).status).toBe(403);
    const right = await body(mainLeaves, 0, 3);
    const alteredBody = right.slice(0, right.indexOf('— ')) + noteSigner.signLine('another text\n');
    expect((await postCheckpoint(alteredBody)).status).toBe(403);
    expect((await postCheckpoint(right.replace('old 0', 'old 4'))).status).toBe(400);
    expect((await postCheckpoint(right.replace('old 0', `old 0\n${'A'.repeat(43)}=`))).status).toBe(422);
    const emptyTreeBody = `old 0\n\n${noteSigner.checkpoint(0, randomBytes(32))}`;
    expect((await postCheckpoint(emptyTreeBody)).status).toBe(422);
    for (const wrong of [
      '',
      'old 0',
      right.replace('old 0', 'old 00'),
      right.replace('old 0', 'old  0'),
      right.slice(0, -1),
    ]) {
      expect((await postCheckpoint(wrong)).status, wrong).toBe(400);
    }
    const longProof = Array.from({ length: 64 }, () => `${'A'.repeat(43)}=`).join('\n');
    expect((await postCheckpoint(right.replace('old 0', `old 0\n${longProof}`))).status).toBe(400);
    expect((await postCheckpoint('x'.repeat(70_000))).status).toBe(413);
  });

  test('does not start with an unreadable memory', () => {
    const file = join(newFolder(), 'memory.json');
    writeFileSync(file, '{"example.com/log": {"size": -1}}');
    expect(() => openMemory(file)).toThrow('无法读取');
  });
});

describe('a hub with witnesses', () => {
  let fixture: SealsFixture;
  let faults: string[];
  beforeAll(async () => {
    fixture = await openSealsFixture((error) => faults.push(String(error)));
    faults = [];
  });
  afterAll(() => fixture?.close());

  const readLogKey = async () => {
    const app = Fastify();
    fixture.seals.routes?.(app, {} as never);
    const { body } = await app.inject('/log/key');
    await app.close();
    return body.trimEnd();
  };
  const addLeaves = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, i) => fixture.seals.attest(stateAttestation(i))));
  const waitForSignatures = (folder: string, signatures: number) =>
    waitUntil(`a checkpoint of every leaf with ${signatures} signatures`, async () => {
      const [row] = await fixture.sql`select count(*)::int as n from seals.log_leaf`;
      const note = readNote(readFileSync(join(folder, 'checkpoint')));
      return readCheckpoint(note.text).size === row?.n && note.signatures.length === signatures && note;
    }).catch((error) => {
      throw new Error(`${error}; ${faults.slice(-3).join('; ')}`);
    });

  test('publishes cosigned checkpoints and proofs; an absent witness delays nothing and catches up', async () => {
    const folder = newFolder();
    const log = await readLogKey();
    let one = await openWitness([log]);
    // Accepts every request and never answers.
    let unansweredCount = 0;
    const silentServer = createServer(() => {
      unansweredCount++;
    });
    await new Promise<void>((resolve) => silentServer.listen(0, '127.0.0.1', resolve));
    const silentWitness = `${one.vkey} http://127.0.0.1:${(silentServer.address() as AddressInfo).port}`;
    const witnesses = parseWitnesses(`${one.vkey} ${one.url}`);
    const hub = fixture.openCopy(undefined, { folder, witnesses });
    const app = Fastify();
    hub.routes?.(app, {} as never);
    hub.start();
    await waitForCheckpoint(folder);
    await waitForSignatures(folder, 2);
    const request = await fixture.request();
    await hub.sign(request);
    await waitForSignatures(folder, 2);
    const proof = (await app.inject(`/log/proof/${request.issuanceId}`)).body;
    const trust = { origin: 'tongquan.test/yudu/seals', log: readKey(log), witnesses: [readKey(one.vkey)] };
    const provenLeaf = requireLoggedLeaf(proof, hashLeaf(Buffer.from(readProof(proof).extra ?? [])), trust);
    expect(provenLeaf.witnesses).toHaveLength(1);

    await one.app.close();
    await addLeaves(20);
    const note = await waitForSignatures(folder, 1);
    expect(note.signatures[0]?.name).toBe('tongquan.test/yudu/seals');
    // A proof still carries the newest cosigned checkpoint.
    const laterProof = (await app.inject(`/log/proof/${request.issuanceId}`)).body;
    expect(requireCheckpoint(readProof(laterProof).checkpoint, trust).witnesses).toHaveLength(1);
    one = await one.restart();
    await waitForSignatures(folder, 2);
    await hub.stop();

    // Requests have no deadline here, so a stop that waits for the answer of a witness never ends.
    const deadline = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => new AbortController().signal);
    onTestFinished(() => deadline.mockRestore());
    const slowCopy = fixture.openCopy(undefined, { folder, witnesses: parseWitnesses(silentWitness) });
    slowCopy.start();
    await addLeaves(5);
    await waitForSignatures(folder, 1);
    await waitUntil('the silent witness is asked', async () => unansweredCount > 0);
    await slowCopy.stop();
    await app.close();
    await one.app.close();
    silentServer.closeAllConnections();
    silentServer.close();
  });

  test('reports a witness with another log or another key, and a database restored to an older state', async () => {
    const folder = newFolder();
    const log = await readLogKey();
    const stranger = await openWitness([new NoteSigner('example.com/other').vkey]);
    const wrong = await openWitness([log]);
    const right = await openWitness([log]);
    const expectFault = async (addresses: string, what: string) => {
      faults = [];
      const copy = fixture.openCopy(undefined, { folder: newFolder(), witnesses: parseWitnesses(addresses) });
      copy.start();
      await waitUntil(what, async () => faults.some((one) => one.includes(what)));
      await copy.stop();
    };
    await expectFault(`${stranger.vkey} ${stranger.url}`, 'answered 404');
    await expectFault(`${right.vkey} ${wrong.url}`, 'did not sign with its key');

    const hub = fixture.openCopy(undefined, { folder, witnesses: parseWitnesses(`${right.vkey} ${right.url}`) });
    hub.start();
    await waitForCheckpoint(folder);
    await waitForSignatures(folder, 2);
    const [headRow] = await fixture.sql`select size, root from seals.log_head`;
    await addLeaves(10);
    await waitForSignatures(folder, 2);
    await hub.stop();
    // Set the database back to the state of an older backup.
    const size = Number(headRow?.size);
    await fixture.sql.begin(async (tx) => {
      await tx`delete from seals.log_cosignature where size > ${size}`;
      await tx`delete from seals.log_checkpoint where size > ${size}`;
      const deletedRows = await tx`delete from seals.log_sequence where index >= ${size} returning serial`;
      await tx`delete from seals.log_leaf where serial = any(${deletedRows.map((row) => row.serial)})`;
      await tx`update seals.log_head set size = ${size}, root = ${headRow?.root}`;
    });
    const address = `${right.vkey} ${right.url}`;
    await addLeaves(1);
    await expectFault(address, 'the database was set back');
    await addLeaves(15);
    await expectFault(address, 'do not go on from what it has seen');
    const [cosignature] =
      await fixture.sql`select max(size) as size from seals.log_cosignature where witness = ${right.vkey}`;
    expect(Number(cosignature?.size)).toBe(size);
    await Promise.all([stranger, wrong, right].map((one) => one.app.close()));
  });

  const waitForCheckpoint = (folder: string) =>
    waitUntil('a checkpoint', async () => {
      try {
        return readFileSync(join(folder, 'checkpoint')).length > 0;
      } catch {
        return false;
      }
    });

  test('reads its witnesses from settings, and rejects malformed settings', () => {
    const vkey = formatWitnessKey(NAME, generateKeyPairSync('ed25519').privateKey);
    expect(parseWitnesses(` ${vkey} https://w.example/ ,`)).toEqual([{ vkey, url: 'https://w.example' }]);
    expect(parseWitnesses('')).toEqual([]);
    for (const wrong of [
      vkey,
      `${vkey} ftp://w.example`,
      `${new NoteSigner('a.example').vkey} https://w.example`,
      'x y',
    ]) {
      expect(() => parseWitnesses(wrong), wrong).toThrow();
    }
  });
});
