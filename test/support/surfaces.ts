import { inflateSync } from 'node:zlib';
import { expect } from 'vitest';
import { LICENSE_STATE_LABELS } from '../../subgraphs/kernel/license-acts.ts';
import { LIST_STATES } from '../../subgraphs/licenses/verify/status.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import type { TestHub } from './hub.ts';

/** Everything that shows the state of a license version: graph, page, code, lists, evidence, offline verifier. */

/** A version and its sealed file. */
export interface SealedVersion {
  identifier: string;
  document: { digest: string; url: string };
}

/** Whom to ask. */
export interface Asking {
  hub: TestHub;
  now: () => Date;
  /** Demo id of a person of the issuing organ. */
  reader: string;
}

async function fetchFile(hub: TestHub, url: string, person: string | null = null): Promise<Buffer> {
  const headers = person === null ? {} : { authorization: `Bearer ${await hub.token(person)}`, 'x-purpose': 'AUDIT' };
  const response = await hub.hub.app.inject({ method: 'GET', url, headers });
  expect([url, response.statusCode]).toEqual([url, 200]);
  return response.rawPayload;
}

const payloadOf = (jws: string) => JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());

/** Returns what each surface says of a license version now. `reader` is of the issuing organ. */
export async function askSurfaces({ hub, now, reader }: Asking, { identifier, document }: SealedVersion) {
  const root = Buffer.from(await hub.hub.seals.rootCertificate());
  const { data } = await hub.ask(
    reader,
    `query($id: ID!, $digest: String) {
      license(identifier: $id) { state paper { validity } sheets { validity } versions { identifier state } actions { name refusal { code } } }
      licenseStatus(identifier: $id) { state }
      verifyLicense(input: { digest: $digest }) { verdict status { state } license { state } }
    }`,
    { id: identifier, digest: document.digest },
  );
  const bundle = await fetchFile(hub, `/licenses/evidence/${identifier}`);
  const file = await fetchFile(hub, document.url, 'auditor');
  const { record, status } = verify({ file, signature: null, roots: [root], bundle }, now());
  if (!record) throw new Error('the file does not verify');
  const code = await hub.ask(
    null,
    'query($code: String) { verifyLicense(input: { code: $code }) { status { state } } }',
    {
      code: record.KZ_EWM,
    },
  );
  const statusList = (await fetchFile(hub, '/licenses/status-list')).toString();
  const { status_list: list } = payloadOf(statusList);
  const octet = inflateSync(Buffer.from(list.lst, 'base64url'))[(record.KZ_ZTXH ?? 0) >> 1] ?? 0;
  const page = (await fetchFile(hub, `/v/${identifier}`)).toString();
  const { latest, status: bundled } = JSON.parse(bundle.toString());
  return {
    record,
    bundle,
    file,
    actions: data.license.actions as { name: string; refusal: { code: string } | null }[],
    states: {
      license: data.license.state,
      paper: data.license.paper.validity,
      sheet: data.license.sheets.at(-1).validity,
      version: data.license.versions.find((one: SealedVersion) => one.identifier === identifier)?.state,
      licenseStatus: data.licenseStatus.state,
      page: Object.entries(LICENSE_STATE_LABELS).find(([, label]) => page.includes(`<strong>${label}</strong>`))?.[0],
      verification: data.verifyLicense.status.state,
      verifiedLicense: data.verifyLicense.license.state,
      code: code.data.verifyLicense.status.state,
      statusList: LIST_STATES[(record.KZ_ZTXH ?? 0) % 2 === 0 ? octet & 15 : octet >> 4],
      statement: payloadOf(latest?.status ?? bundled).state,
      offline: status.state,
      offlineByList: verify({ file, signature: null, roots: [root], bundle, statusList }, now()).status.state,
    },
  };
}

/** Returns a page of the identifiers that a list of licenses names. */
export async function listIdentifiers(
  { hub, reader }: Pick<Asking, 'hub' | 'reader'>,
  filter: object,
  after: string | null = null,
  first = 100,
) {
  const query = `query($filter: LicenseFilter, $after: String, $first: Int) {
    licenses(first: $first, after: $after, filter: $filter) { edges { node { identifier } } pageInfo { endCursor hasNextPage } } }`;
  const { data } = await hub.ask(reader, query, { filter, after, first });
  const { edges, pageInfo } = data.licenses;
  return { ids: edges.map((edge: { node: { identifier: string } }) => edge.node.identifier), ...pageInfo };
}
