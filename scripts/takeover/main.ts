import { parseArgs } from 'node:util';
import { EmbeddedError } from '../../db/binaries.ts';
import { readEnvironment } from '../../subgraphs/kernel/environment/read.ts';
import { BootError } from '../hub/folder.ts';
import { nameOperator } from '../hub/operator.ts';
import { takeOver } from './takeover.ts';

/**
 * `npm run takeover`: takes the data folder of a demonstration, or of release 0.4, over into production
 * (docs/sign-in.md). Lists what it would end; with `--confirm` does it. The hub must be stopped.
 */

const EXIT = { NOTHING: 0, DONE: 0, LISTED: 1, UNABLE: 2 } as const;
const USAGE = `用法 usage: npm run takeover [-- --confirm]
  --confirm  照所列办理；没有时只列出 does what the run without it lists
退出码 exit code: 0 已办理或无须办理 done or nothing to do，1 只列出 only listed，2 无法办理 unable`;

const { DATA_FOLDER: dataFolder, DATABASE_URL } = readEnvironment('takeover');

function parseOptions(): { confirm: boolean } {
  try {
    return parseArgs({ options: { confirm: { type: 'boolean', default: false } } }).values;
  } catch {
    throw new BootError(USAGE);
  }
}

try {
  const outcome = await takeOver({
    ...{ dataFolder, databaseUrl: DATABASE_URL ?? null, isConfirmed: parseOptions().confirm },
    ...{ operator: nameOperator(), now: new Date(), say: (line) => console.log(line) },
  });
  process.exitCode = EXIT[outcome];
} catch (error) {
  const isExplained = error instanceof BootError || error instanceof EmbeddedError;
  console.error(isExplained ? error.message : error);
  process.exitCode = EXIT.UNABLE;
}
process.exit();
