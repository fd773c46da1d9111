import { readFileSync, statSync } from 'node:fs';
import { NO_PERSON_KEYS, type PersonKeys, personKeys } from './credential.ts';

/** Reads the signer's file of persons' keys. Only the operator of the signer's machine writes it. */

const MAX_FILE_BYTES = 67_108_864;

/** Reads the file. Throws if it is malformed. */
export function readPersonKeys(path: string): PersonKeys {
  if (statSync(path).size > MAX_FILE_BYTES) throw new RangeError(`${path} has more than 64 MiB`);
  return personKeys.parse(JSON.parse(readFileSync(path, 'utf8')));
}

/**
 * Returns a function that returns the file's newest content. Without a file no organ needs a person's signature. Once
 * the file was read, the function throws while it is missing or malformed: nothing is sealed then.
 */
export function watchPersonKeys(path: string | undefined): () => PersonKeys {
  let readKeys: PersonKeys | null = null;
  let readVersion = '';
  return () => {
    const stat = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    if (path === undefined || (!stat && readKeys === null)) return NO_PERSON_KEYS;
    if (!stat) throw new Error(`${path} is missing`);
    // A replaced file has another inode, and one that was written in place another time.
    const version = `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
    if (readKeys === null || version !== readVersion) {
      readKeys = readPersonKeys(path);
      readVersion = version;
    }
    return readKeys;
  };
}
