import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writePersonKeys } from '../../scripts/person-keys/keys.ts';
import { findRegistrationFault, NO_PERSON_KEYS } from '../../subgraphs/seals/signer/person/credential.ts';
import { readPersonKeys, watchPersonKeys } from '../../subgraphs/seals/signer/person/person-file.ts';

/** The operator's command for the signer's file of persons' keys, and how the signer follows the file. */

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tongquan-person-keys-'));
  file = join(folder, 'signer', 'person-keys.json');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);

/** Runs the command. Returns its status and what it printed. */
function run(command: string, options: Record<string, string> = {}) {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/person-keys/main.ts', command, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function createKey(name: string): void {
  const { status, stdout } = run('key', { out: at(`${name}.key`) });
  expect(status).toBe(0);
  writeFileSync(at(`${name}.pem`), stdout);
}

test('registers a credential by two persons, needs it of an organ, and ends it', () => {
  for (const name of ['first', 'second', 'person']) createKey(name);
  expect(statSync(at('first.key')).mode & 0o777).toBe(0o600);
  expect(run('key', { out: at('first.key') }).status).toBe(1);
  expect(run('accept-bare-keys', { file }).status).toBe(0);
  const registrar = (id: string, key: string) =>
    run('registrar', { file, id, kind: 'KEY', key: at(`${key}.pem`) }).status;
  expect([registrar('a', 'first'), registrar('b', 'second')]).toEqual([0, 0]);
  expect([registrar('a', 'person'), registrar('c', 'second'), registrar('c', 'first.key')]).toEqual([1, 1, 1]);
  const statement = {
    ...{ credential: 'c1', person: 'yudu-lyj.approver', name: '钟文斌', organ: 'yudu-lyj', kind: 'KEY' },
    ...{ key: at('person.pem'), from: '2026-01-01', to: '2028-01-01' },
  };
  writeFileSync(at('r.json'), run('state', statement).stdout);
  const registration = at('r.json');
  expect(run('sign', { registration, id: 'a', key: at('first.key') }).status).toBe(0);
  expect(run('add', { file, registration })).toMatchObject({
    status: 1,
    stderr: expect.stringMatching('two registrars'),
  });
  expect(run('sign', { registration, id: 'b' }).status).toBe(0);
  expect(readFileSync(`${registration}.txt`, 'utf8')).toMatch(/^tongquan credential registration 1\n\{.*\}$/);
  expect(run('sign', { registration, id: 'b', key: at('second.key') }).status).toBe(0);
  expect(run('add', { file, registration }).status).toBe(0);
  expect(run('require', { file, organ: 'yudu-lyj' }).status).toBe(0);
  const keys = readPersonKeys(file);
  expect(keys.registrations.map((entry) => findRegistrationFault(keys, entry))).toEqual([null]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(run('end', { file, credential: 'other', reason: '遗失' }).status).toBe(1);
  expect(run('end', { file, credential: 'c1', reason: '遗失' }).status).toBe(0);
  expect(run('end-registrar', { file, id: 'a', until: '2027-01-01' }).status).toBe(0);
  expect(run('list', { file }).stdout).toMatch(/required: yudu-lyj .*\n.*registrar: a KEY 2027.*\n.*\n.*c1 .* ended /);
  expect(run('release', { file, organ: 'yudu-lyj' }).status).toBe(0);
  expect(readPersonKeys(file).organs).toEqual([]);
});

test('an unknown command, option, kind or time is refused, and changes nothing', () => {
  const before = readFileSync(file, 'utf8');
  expect(run('x').status).toBe(1);
  expect(run('toString').status).toBe(1);
  expect(run('require', { file }).stderr).toMatch('--organ');
  expect(run('require', { file, organ: 'o', from: 'tomorrow' }).status).toBe(1);
  expect(run('require', { file, organ: 'o', unknown: 'x' }).status).toBe(1);
  expect(run('registrar', { file, id: 'z', kind: 'PASSWORD', key: at('first.pem') }).status).toBe(1);
  expect(readFileSync(file, 'utf8')).toBe(before);
});

describe('the signer’s view of the file', () => {
  test('is none without a file, follows it, and fails while it is malformed or missing', () => {
    const path = at('watched.json');
    const read = watchPersonKeys(path);
    expect(read()).toEqual(NO_PERSON_KEYS);
    const organs = [{ organ: 'o', from: '2026-01-01T00:00:00Z' }];
    writePersonKeys(path, { ...NO_PERSON_KEYS, organs });
    expect(read().organs).toEqual(organs);
    writePersonKeys(path, { ...NO_PERSON_KEYS, organs: [] });
    expect(read().organs).toEqual([]);
    for (const text of ['', '{', '{}', 'null', JSON.stringify({ ...NO_PERSON_KEYS, unknown: 1 })]) {
      writeFileSync(`${path}.next`, text);
      renameSync(`${path}.next`, path);
      expect(() => read(), text).toThrow();
      expect(() => read(), text).toThrow();
    }
    writePersonKeys(path, { ...NO_PERSON_KEYS, organs });
    expect(read().organs).toEqual(organs);
    rmSync(path);
    expect(() => read()).toThrow('missing');
    expect(watchPersonKeys(undefined)()).toEqual(NO_PERSON_KEYS);
  });
});
