import { readEnvironment } from '../subgraphs/kernel/environment/read.ts';
import { findDemoPerson, mintToken } from './demo/people.ts';
import { readDemoKey } from './hub/demo-key.ts';
import { BootError } from './hub/folder.ts';

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
try {
  console.log(await mintToken(person, readDemoKey(DATA_FOLDER), new Date()));
} catch (error) {
  if (!(error instanceof BootError)) throw error;
  console.error(error.message);
  process.exit(1);
}
