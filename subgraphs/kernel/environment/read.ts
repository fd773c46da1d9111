import { listExposures } from './exposure.ts';
import { setProduction } from './mode.ts';
import { parseEnvironment, type Readers, type Settings, variablesOf } from './parse.ts';
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
  const { NODE_ENV, OIDC_ISSUER } = settings as { NODE_ENV: string; OIDC_ISSUER?: string };
  const isProduction = NODE_ENV === 'production' || OIDC_ISSUER !== undefined;
  const exposures = isProduction ? listExposures(name, process.env) : [];
  for (const line of [...problems, ...exposures, ...hints]) process.stderr.write(`${line}\n`);
  if (problems.length + exposures.length > 0) process.exit(PROCESSES[name].exitCode ?? 1);
  setProduction(isProduction);
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

/**
 * Returns the environment of a child that must see nothing but `variables`, and what this process was given for it
 * other than secrets, such as limits.
 */
export function isolateEnvironment(name: ProcessName, variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = variablesOf(name).filter(([, { isSecret }]) => !isSecret);
  const given = own.map(([variable]) => [variable, process.env[variable]] as const);
  return { PATH: process.env.PATH, ...Object.fromEntries(given), ...variables };
}
