import { setProduction } from './mode.ts';
import { parseEnvironment, type Readers, type Settings } from './parse.ts';
import { PROCESSES, type ProcessName } from './variables.ts';

/** The only file that reads `process.env`. */

/**
 * Returns the settings of this process. If a variable is missing or wrong, prints one line for each and exits.
 * Must be called once, before anything else starts.
 */
export function readEnvironment<Process extends ProcessName, R extends Readers<Process> = Record<never, never>>(
  name: Process,
  readers?: R,
): Settings<Process, R> {
  const { settings, problems, hints } = parseEnvironment(name, process.env, readers);
  for (const line of [...problems, ...hints]) process.stderr.write(`${line}\n`);
  if (problems.length > 0) process.exit(PROCESSES[name].exitCode ?? 1);
  setProduction((settings as { NODE_ENV: string }).NODE_ENV === 'production');
  // @apollo/gateway sends telemetry by default. The hub must call only the addresses it is configured to call.
  process.env.APOLLO_TELEMETRY_DISABLED = '1';
  return settings;
}

/** Returns whether npm runs this process, in which case it must not outlive npm. */
export function isRunByNpm(): boolean {
  return process.env.npm_lifecycle_event !== undefined;
}

/** Returns the environment of a child process: this process's own, changed by `changes`. */
export function inheritEnvironment(changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes };
}

/** Returns the environment of a child that must see nothing but `variables`, such as the signer. */
export function isolateEnvironment(variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, ...variables };
}
