import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { confineRoles, describeExcess } from '../../db/confinement.ts';
import { type EmbeddedServer, startEmbedded } from '../../db/embedded.ts';
import { ensureDatabase, migrateDatabase, SUBGRAPHS, toDatabaseUrl } from '../../db/migrate.ts';
import { deriveRolePassword, toRoleUrl } from '../../db/roles.ts';

/** What a stolen role password is good for, tried with every role over real connections to a cluster of the hub. */

const DENIED = { code: '42501' };
const databaseKey = randomBytes(32);
let server: EmbeddedServer;
let hubUrl: string;
let admin: postgres.Sql;
const urlOf = (name: string, database = 'tongquan') =>
  toRoleUrl(toDatabaseUrl(server.url, database), `tq_${name}`, deriveRolePassword(databaseKey, `tq_${name}`));

beforeAll(async () => {
  const folder = join(inject('runFolder'), `confinement-${process.pid}`);
  server = await startEmbedded({
    folder,
    logFile: `${folder}.log`,
    password: randomBytes(16).toString('hex'),
    durable: false,
  });
  hubUrl = await ensureDatabase(server.url, 'tongquan');
  admin = postgres(hubUrl, { max: 1, onnotice: () => {} });
  // As an office creates its databases: everybody may connect.
  await admin`create database office`;
  await ensureDatabase(server.url, 'tongquan_library');
  await migrateDatabase(hubUrl, databaseKey);
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

test("in an office's cluster nothing of others is changed, and what is open is named", async () => {
  const rights = await confineRoles(hubUrl, false);
  expect(rights.filter(({ role }) => role === 'tq_cases').map(({ right }) => right)).toEqual([
    'connects to office',
    'connects to postgres',
    'connects to template1',
  ]);
  const lines = describeExcess(rights).filter((line) => line.includes('revoke'));
  expect(lines.map((line) => line.slice(line.indexOf('revoke')))).toEqual([
    'revoke connect on database "office" from public;',
    'revoke connect on database "postgres" from public;',
    'revoke connect on database "template1" from public;',
  ]);
  const sql = postgres(urlOf('cases', 'office'), { max: 1 });
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
  await sql.end();
});

test("what somebody granted to a role of the hub's is named", async () => {
  await admin`grant pg_monitor to tq_cases`;
  await admin`grant usage on schema seals to tq_cases`;
  await admin`alter role tq_seals createdb`;
  const rights = await confineRoles(hubUrl, true);
  expect(rights).toEqual([
    { role: 'tq_cases', right: 'is a member of pg_monitor' },
    { role: 'tq_cases', right: 'uses schema seals' },
    { role: 'tq_seals', right: 'is more than an ordinary role' },
  ]);
  await admin`revoke pg_monitor from tq_cases`;
  await admin`revoke usage on schema seals from tq_cases`;
  await admin`alter role tq_seals nocreatedb`;
});

describe.each(SUBGRAPHS)('the role of %s', (name) => {
  let sql: postgres.Sql;
  beforeAll(async () => {
    expect(await confineRoles(hubUrl, true)).toEqual([]);
    sql = postgres(urlOf(name), { max: 1, onnotice: () => {} });
  });
  afterAll(() => sql.end());

  test.each(['office', 'postgres', 'template1', 'tongquan_library'])('does not connect to %s', async (database) => {
    const other = postgres(urlOf(name, database), { max: 1 });
    await expect(other`select 1`).rejects.toMatchObject(DENIED);
    await other.end();
  });

  const OTHER = name === 'seals' ? 'cases' : 'seals';
  test.each([
    ['reads another schema', `select * from ${OTHER}.outbox_event`],
    ['reads the migrations', `select * from migrations.${name}`],
    ['reads passwords', 'select rolpassword from pg_authid'],
    ['creates a schema', 'create schema stray'],
    ['creates a table', 'create table public.stray (id int)'],
    ['creates a table beside its own', `create table ${name}.stray (id int)`],
    ['creates a temporary table', 'create temp table stray (id int)'],
    ['creates a function', `create function ${name}.stray() returns int language sql as 'select 1'`],
    ['creates a database', 'create database stray'],
    ['creates a role', 'create role stray'],
    ['creates an extension', 'create extension dblink'],
    ['creates a large object', 'select lo_create(0)'],
    ['writes a large object', "select lo_from_bytea(0, 'x')"],
    ['imports a file', "select lo_import('/etc/passwd')"],
    ['notifies the others', "select pg_notify('x', 'y')"],
    ['reads a file', "select pg_read_file('/etc/passwd')"],
    ['reads a file as bytes', "select pg_read_binary_file('/etc/passwd')"],
    ['lists a folder', "select pg_ls_dir('/')"],
    ['asks for a file', "select pg_stat_file('/etc/passwd')"],
    ['copies from a file', `copy ${name}.outbox_event from '/etc/passwd'`],
    ['copies to a file', "copy (select 1) to '/tmp/stray'"],
    ['runs a program', "copy (select 1) to program 'true'"],
    ['reads a program', `copy ${name}.outbox_event from program 'true'`],
    ['becomes the superuser', 'set role postgres'],
    ['becomes another role', `set role tq_${OTHER}`],
    ['ends other sessions', "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'"],
    ['reloads the configuration', 'select pg_reload_conf()'],
    ['changes the configuration', "alter system set log_statement = 'none'"],
    ['changes a setting of the superuser', 'set session_preload_libraries = stray'],
    ['loads a library', "load 'stray'"],
    ['disables triggers', 'set session_replication_role = replica'],
    ['changes its limit', `alter role tq_${name} connection limit -1`],
    ['grants itself a role', `grant pg_read_all_data to tq_${name}`],
    ['grants itself the database', `grant all on database tongquan to tq_${name}`],
  ])('never %s', async (_, statement) => {
    // A grant without the right to it is a warning and no error.
    const granted = await sql.unsafe(statement).then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    if (statement.startsWith('grant all')) expect(await confineRoles(hubUrl, true)).toEqual([]);
    else expect(['42501', '58P01', '0A000'], granted).toContain(granted);
  });

  test('has limits of its own', async () => {
    const [limits] = await admin`select rolconnlimit as connections from pg_roles where rolname = ${`tq_${name}`}`;
    expect(limits).toEqual({ connections: 64 });
    expect(await sql`show search_path`).toEqual([{ search_path: name }]);
    expect(await sql`show statement_timeout`).toEqual([{ statement_timeout: '1min' }]);
    expect(await sql`show idle_in_transaction_session_timeout`).toMatchObject([{}]);
    const [memory] = await sql`select has_database_privilege(current_database(), 'temporary') as may`;
    expect(memory).toEqual({ may: false });
  });
});
