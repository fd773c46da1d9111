import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { findDemoPerson, mintToken } from './demo/people.ts';
import { readSecrets } from './hub/secrets.ts';

/** `npm run token -- PERSON`: prints a demo token of the hub in DATA_FOLDER, e.g. for `yudu-lyj.approver`. */
const { DATA_FOLDER } = readEnvironment('token');
const person = findDemoPerson(process.argv[2] ?? '');
if (!person) {
  console.error('用法 usage: npm run token -- yudu-lyj.approver');
  console.error(
    '人员 people: administrator, administrator-deputy, auditor, library, applicant-company, applicant-citizen,',
  );
  console.error('  window-yudu, window-xingguo, <organ>.clerk|reviewer|approver|keeper|sealapprover|supervisor');
  process.exit(1);
}
// It only reads: new secrets in a folder that lost its own would open neither its database nor its keys.
const secrets = readSecrets(DATA_FOLDER);
if (secrets === null || secrets === 'UNREADABLE') {
  console.error(`${DATA_FOLDER} 中没有可读的 secrets.json — no hub has been started in this data folder`);
  process.exit(1);
}
console.log(await mintToken(person, secrets.tokenPrivateKey, new Date()));
