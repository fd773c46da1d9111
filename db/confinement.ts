import postgres from 'postgres';
import { SUBGRAPHS } from './migrate.ts';

/** What the roles of subgraphs may reach besides their own schema: nothing. */

const CONNECT_TIMEOUT_SECONDS = 5;
const CONNECTS = 'connects to ';

/** A right that a role of a subgraph has and must not have. */
export interface ExcessRight {
  role: string;
  /** What it is, for an operator: `connects to postgres`. */
  right: string;
}

/**
 * Takes from everybody what PostgreSQL grants to PUBLIC by default, as far as that harms nobody else. In a cluster of
 * the hub's own (`isOwnCluster`) no role connects to a database without a grant. Returns what is left for the operator.
 * `adminUrl` names the hub's database.
 */
export async function confineRoles(adminUrl: string, isOwnCluster: boolean): Promise<ExcessRight[]> {
  const client = postgres(adminUrl, { max: 1, onnotice: () => {}, connect_timeout: CONNECT_TIMEOUT_SECONDS });
  try {
    if (isOwnCluster) await closeDatabases(client);
    const [self] = await client`select rolsuper as "isSuperuser" from pg_roles where rolname = current_user`;
    // Functions of the system belong to the superuser. Their rights are those of this database only.
    if (self?.isSuperuser) await closeFunctions(client);
    return await listExcessRights(client);
  } finally {
    await client.end({ timeout: 2 });
  }
}

/** Says each right once, with the roles that have it; for another database, with the statement that closes it. */
export function describeExcess(rights: readonly ExcessRight[]): string[] {
  const byRight = Map.groupBy(rights, ({ right }) => right);
  return [...byRight].map(([right, holders]) => {
    const roles = holders.map(({ role }) => role);
    if (!right.startsWith(CONNECTS)) {
      return `数据库角色权限过大，见 docs/operations.md：${roles.join('、')} — too much is granted: each ${right}`;
    }
    const database = right.slice(CONNECTS.length);
    // Whoever may connect by a grant to everybody is every role.
    const grantees = roles.length === SUBGRAPHS.length ? 'public' : roles.join(', ');
    const statement = `revoke connect on database "${database.replaceAll('"', '""')}" from ${grantees};`;
    return `系统的角色能连接别的数据库，请其所有者执行 the hub's roles can connect to another database, its owner should run: ${statement}`;
  });
}

async function closeDatabases(client: postgres.Sql): Promise<void> {
  const databases = await client`select datname as name from pg_database where datallowconn`;
  for (const { name } of databases) await client`revoke all on database ${client(name)} from public`;
}

/** Large objects belong to no schema and fill the disk; notifications reach every session of the database. */
async function closeFunctions(client: postgres.Sql): Promise<void> {
  const functions = await client`
    select oid::regprocedure::text as name from pg_proc
    where pronamespace = 'pg_catalog'::regnamespace
      and (proname like 'lo\_%' or proname in ('loread', 'lowrite', 'pg_notify'))
      and has_function_privilege('public', oid, 'execute')`;
  // The names are the server's own, with their types.
  for (const { name } of functions) await client.unsafe(`revoke execute on function pg_catalog.${name} from public`);
}

/** Returns what the roles can reach by grants, memberships and attributes that the hub has not given. */
async function listExcessRights(client: postgres.Sql): Promise<ExcessRight[]> {
  const roles = SUBGRAPHS.map((name) => `tq_${name}`);
  return client<ExcessRight[]>`
    with subgraph as (select * from pg_roles where rolname = any(${roles}))
    select rolname as role, ${CONNECTS}::text || datname as right from subgraph, pg_database
      where datallowconn and datname <> current_database() and has_database_privilege(rolname, datname, 'connect')
    union all select rolname, 'creates in ' || datname from subgraph, pg_database
      where has_database_privilege(rolname, datname, 'create') or has_database_privilege(rolname, datname, 'temporary')
        and datname = current_database()
    union all select rolname, 'uses schema ' || nspname from subgraph, pg_namespace
      where nspname not in ('pg_catalog', 'information_schema', substr(rolname, 4))
        and nspname not like 'pg\_t%' and has_schema_privilege(rolname, pg_namespace.oid, 'usage, create')
    union all select rolname, 'is a member of ' || roleid::regrole from subgraph, pg_auth_members where member = subgraph.oid
    union all select rolname, 'is more than an ordinary role' from subgraph
      where rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
    order by 1, 2`;
}
