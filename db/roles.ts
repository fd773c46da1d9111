import { createHmac } from 'node:crypto';
import type postgres from 'postgres';

/**
 * Append-only tables. The role of their subgraph may select and insert, but not update or delete.
 * The database enforces it, so that a fault or a stolen role password cannot rewrite history.
 */
export const LEDGERS: ReadonlySet<string> = new Set([
  'appointment',
  'appointment_end',
  'authority',
  'blank_box',
  'blank_entry',
  'blank_transfer',
  'blank_write_off',
  'calendar_notice',
  'case_material',
  'case_step',
  'delegation_change',
  'delegation_import',
  'document',
  'duty_exception',
  'duty_exception_end',
  'erasure',
  'evidence_bundle',
  'finding_entry',
  'guide_overlay',
  'guide_version',
  'import_file',
  'issuer_logout',
  'license_change',
  'license_entry',
  'license_serial',
  'license_type_version',
  'log_checkpoint',
  'log_cosignature',
  'log_key',
  'log_leaf',
  'log_sequence',
  'log_tile',
  'lost_use',
  'lost_version',
  'notice',
  'organ_name',
  'organ_reform',
  'organ_succession',
  'outbox_event',
  'outbox_receipt',
  'paper_entry',
  'platform_message',
  'proposal',
  'proposal_license',
  'proposal_outcome',
  'proposal_subject',
  'push_entry',
  'reading',
  'register_statement',
  'registration_file',
  'registration_line',
  'reserved_number',
  'revocation',
  'revocation_list',
  'seal_application',
  'seal_application_outcome',
  'seal_application_picture',
  'seal_certificate',
  'seal_code',
  'seal_code_key',
  'seal_event',
  'seal_grant',
  'seal_grant_withdrawal',
  'seal_picture',
  'seal_use',
  'sealed_file',
  'session_end',
  'takeover',
  'task_report',
  'supervision_message',
  'sweep_confirmation',
]);

/** Columns of ledgers that may be updated: the envelope of a private key changes with its key-encryption key. */
const RESETTABLE_COLUMNS: Readonly<Record<string, string>> = {
  authority: 'encrypted_key',
  log_key: 'encrypted_key',
  seal_certificate: 'encrypted_key',
  seal_code_key: 'encrypted_key',
};

/** Two starting copies of the hub may change the same role at once. The one that fails tries again. */
const MAX_ROLE_ATTEMPTS = 5;

/** Derives the password of a role: base64url of HMAC-SHA-256 over its name. */
export function deriveRolePassword(databaseKey: Uint8Array, role: string): string {
  return createHmac('sha256', databaseKey).update(role).digest('base64url');
}

/** Returns the URL with which `role` connects to the database that `adminUrl` names. */
export function toRoleUrl(adminUrl: string, role: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = role;
  url.password = password;
  return url.href;
}

/** What a role may hold at once, even with a stolen password. A hub takes 8 connections, and several copies may run. */
const MAX_ROLE_CONNECTIONS = 64;

/** Defaults of every session of a role. A session can change them; the hub's own ask for less. */
const SESSION_DEFAULTS: Readonly<Record<string, string>> = {
  statement_timeout: '60s',
  lock_timeout: '60s',
  idle_in_transaction_session_timeout: '60s',
};

/**
 * Creates a login role without any rights, or sets the password of the existing role. `schema` is where its sessions
 * look for tables; without it they look nowhere but in the catalog.
 */
export async function makeRole(
  client: postgres.Sql,
  role: string,
  password: string,
  schema = 'pg_catalog',
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const [roleRow] = await client`select 1 from pg_roles where rolname = ${role}`;
      const verb = roleRow ? 'alter' : 'create';
      // A role statement takes no parameters. Both texts are safe: the name is fixed and the password is base64url.
      // The statement names no attribute: naming one, even to deny it, needs a superuser. A new role has none.
      await client.unsafe(
        `${verb} role "${role}" with login password '${password}' connection limit ${MAX_ROLE_CONNECTIONS}`,
      );
      const settings = Object.entries({ ...SESSION_DEFAULTS, search_path: schema });
      for (const [name, value] of settings) await client.unsafe(`alter role "${role}" set ${name} = '${value}'`);
      return;
    } catch (error) {
      if (attempt === MAX_ROLE_ATTEMPTS) throw error;
    }
  }
}

/** Creates or updates the role `tq_<name>` of each subgraph. */
export async function makeRoles(
  client: postgres.Sql,
  names: readonly string[],
  databaseKey: Uint8Array,
): Promise<void> {
  for (const name of names) await makeRole(client, `tq_${name}`, deriveRolePassword(databaseKey, `tq_${name}`), name);
}

/** Grants each role rights on its own schema and on nothing else, in one transaction. */
export async function grantRoles(client: postgres.Sql, names: readonly string[]): Promise<void> {
  await client.begin(async (tx) => {
    const [database] = await tx`select current_database() as name`;
    await tx`revoke all on database ${tx(database?.name)} from public`;
    await tx`revoke all on schema public from public`;
    for (const name of names) {
      const role = `tq_${name}`;
      await tx`revoke all on schema ${tx(name)} from public`;
      await tx`grant connect on database ${tx(database?.name)} to ${tx(role)}`;
      await tx`grant usage on schema ${tx(name)} to ${tx(role)}`;
      await tx`grant usage on all sequences in schema ${tx(name)} to ${tx(role)}`;
      const tables = await tx`select tablename as name from pg_tables where schemaname = ${name}`;
      for (const table of tables) {
        const path = tx(`${name}.${table.name}`);
        await tx`revoke all on ${path} from ${tx(role)}, public`;
        if (LEDGERS.has(table.name)) await tx`grant select, insert on ${path} to ${tx(role)}`;
        const column = RESETTABLE_COLUMNS[table.name];
        if (column !== undefined) await tx`grant update (${tx(column)}) on ${path} to ${tx(role)}`;
        if (!LEDGERS.has(table.name)) await tx`grant select, insert, update, delete on ${path} to ${tx(role)}`;
      }
    }
  });
}
