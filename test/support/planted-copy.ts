import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The folders that the compiler reads, and the files beside them. */
const COPIED = [
  ...(JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as { include: string[] }).include,
  'docs',
  'package.json',
  'tsconfig.json',
  'codegen.ts',
].filter((name) => !name.includes('*'));

/** A copy of the sources in a temporary folder, for tests that plant a mistake and expect a check to name it. */
export interface PlantedCopy {
  folder: string;
  /** Replaces one piece of text of a file. Throws unless the text occurs exactly once. */
  plant(path: string, from: string, to: string): void;
  /** Generates the resolver types again. Needed after a change of a schema. */
  generate(): void;
  /** Runs the compiler. Returns its errors as `path: message` with all lines, in the order of the compiler. */
  compile(): string[];
  /** Runs the unit tests of a file. Returns the full names of those that failed. */
  listFailingTests(path: string): string[];
  remove(): void;
}

export function copySources(): PlantedCopy {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-planted-'));
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'vitest.config.ts'), 'export default { test: { include: ["test/**/*.test.ts"] } };\n');
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const run = (script: string, ...args: string[]) => {
    const env = { ...process.env, NO_COLOR: '1' };
    return spawnSync(process.execPath, [join(ROOT, 'node_modules', script), ...args], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
  };
  return {
    folder,
    plant(path, from, to) {
      const parts = readFileSync(join(folder, path), 'utf8').split(from);
      if (parts.length !== 2) throw new Error(`${path}: "${from}" occurs ${parts.length - 1} times`);
      writeFileSync(join(folder, path), parts.join(to));
    },
    generate() {
      const { status, stderr } = run('@graphql-codegen/cli/cjs/bin.js', '--config', 'codegen.ts', '--silent');
      if (status !== 0) throw new Error(stderr);
    },
    compile: () =>
      [
        ...run('typescript/bin/tsc', '--noEmit', '--pretty', 'false').stdout.matchAll(
          /^(\S+?)\(\d+,\d+\): error \w+: (.*(?:\n +.*)*)$/gm,
        ),
      ].map(([, path, message]) => `${path}: ${message}`),
    listFailingTests(path) {
      const report = join(folder, 'report.json');
      run('vitest/vitest.mjs', 'run', path, '--reporter=json', `--outputFile=${report}`);
      const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
      const assertions = testResults.flatMap((file) => file.assertionResults);
      if (assertions.length === 0) throw new Error(`${path}: no test ran`);
      return assertions.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

interface Report {
  testResults: { assertionResults: { status: string; fullName: string }[] }[];
}
