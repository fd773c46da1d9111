import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { findDemoPerson, mintToken } from './demo/people.ts';
import { openSecrets } from './hub/secrets.ts';

/** `npm run token -- PERSON`: prints a demo token of the hub in DATA_FOLDER, e.g. for `yudu-lyj.approver`. */
const { DATA_FOLDER } = readEnvironment('token');
const person = findDemoPerson(process.argv[2] ?? '');
if (!person) {
  console.error('用法 usage: npm run token -- yudu-lyj.approver');
  process.exit(1);
}
console.log(await mintToken(person, openSecrets(DATA_FOLDER).tokenPrivateKey, new Date()));
