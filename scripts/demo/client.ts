import type { Settings } from '../../subgraphs/kernel/environment/parse.ts';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { type HttpAnswer, type HttpRequest, sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';
import type { Purpose } from '../../subgraphs/kernel/privacy/purpose.ts';
import { toLocalUrl } from '../hub/address.ts';
import { BootError } from '../hub/folder.ts';
import { readHealth } from '../hub/health.ts';
import { openSecrets, type Secrets } from '../hub/secrets.ts';
import { bootTemporary } from '../hub/temporary.ts';
import { findDemoPerson, mintToken } from './people.ts';

const MAX_WAIT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 67_108_864;

/** The result of a query; its shape depends on the query. */
// biome-ignore lint/suspicious/noExplicitAny: the caller knows the shape of its own query
export type Data = any;

/** A hub to query, with the secrets that sign its demo tokens. */
export interface DemoHub {
  url: string;
  secrets: Secrets;
  /** The demo is also the operator of the signer, whose files are in here. */
  dataFolder: string;
  stop(): Promise<void>;
}

/** Where a running hub is looked for. */
export type HubPlace = Pick<Settings<'demo'>, 'HOST' | 'PORT' | 'DATA_FOLDER'>;

/**
 * Returns the running hub, or starts a temporary one in a folder that `stop` removes. Throws BootError if a hub runs
 * and does not act.
 */
export async function findHub(place: HubPlace, say: (line: string) => void): Promise<DemoHub> {
  const url = toLocalUrl(place.HOST, place.PORT);
  const health = await readHealth(url);
  if (health?.status === 'ready') {
    say(`使用正在运行的中枢 ${url}`);
    const dataFolder = place.DATA_FOLDER;
    return { url, secrets: openSecrets(dataFolder), dataFolder, stop: async () => {} };
  }
  if (health)
    throw new BootError(`正在运行的中枢 ${url} 不办理：${health.code || health.status} ${health.message}`.trim());
  say('没有正在运行的中枢，临时启动一个');
  return bootTemporary('demo', (line) => say(`  ${line}`));
}

/** Calls the public API as demo people. */
export class Client {
  readonly hub: DemoHub;
  constructor(hub: DemoHub) {
    this.hub = hub;
  }

  private send(path: string, request: Pick<HttpRequest, 'method' | 'headers' | 'body'>): Promise<HttpAnswer> {
    const limits = { timeoutMs: REQUEST_TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES };
    return sendRequest(this.hub.url + path, { ...request, reach: OPERATOR, ...limits });
  }

  async headers(person: string | null): Promise<Record<string, string>> {
    const demoUser = person === null ? null : findDemoPerson(person);
    if (!demoUser) return {};
    return { authorization: `Bearer ${await mintToken(demoUser, this.hub.secrets.tokenPrivateKey, new Date())}` };
  }

  async ask(person: string | null, query: string, variables: object = {}): Promise<Data> {
    const { bytes } = await this.send('/graphql', {
      headers: { 'content-type': 'application/json', ...(await this.headers(person)) },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = JSON.parse(bytes.toString('utf8')) as { data: Data; errors?: { message: string }[] };
    if (errors) throw new Error(errors.map((error) => error.message).join('；'));
    return data;
  }

  /** Runs a mutation. Throws if the hub refuses it. */
  async act(person: string, name: string, type: string, input: object, fields: string): Promise<Data> {
    const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${fields} refusal { code message } } }`;
    const answer = (await this.ask(person, query, { input }))[name];
    if (answer.refusal) throw new Error(`${name}：${answer.refusal.code} ${answer.refusal.message}`);
    return answer;
  }

  /** Opens a license file: the holder without a purpose, anybody else for one. */
  async downloadDocument(person: string, digest: string, purpose: Purpose | null): Promise<Buffer> {
    const headers = { ...(await this.headers(person)), ...(purpose === null ? {} : { 'x-purpose': purpose }) };
    const { status, bytes } = await this.send(`/files/${digest}`, { method: 'GET', headers });
    if (status !== 200) throw new Error(`文件 ${digest} 无法下载：HTTP ${status}`);
    return bytes;
  }

  /** Downloads a public file, without a token. */
  async downloadPublic(path: string): Promise<Buffer> {
    const { status, bytes } = await this.send(path, { method: 'GET' });
    if (status !== 200) throw new Error(`${path} 无法下载：HTTP ${status}`);
    return bytes;
  }

  /** Uploads a file as a material (申请材料) that is not attached to a case yet. Returns its id. */
  async upload(person: string, name: string, bytes: Uint8Array, mediaType: string): Promise<string> {
    const answer = await this.send('/cases/materials', {
      headers: { 'content-type': mediaType, 'x-file-name': encodeURIComponent(name), ...(await this.headers(person)) },
      body: Buffer.from(bytes),
    });
    const upload = JSON.parse(answer.bytes.toString('utf8')) as { id: string; message?: string };
    if (answer.status > 299) throw new Error(`上传：${upload.message}`);
    return upload.id;
  }

  async waitFor(description: string, run: () => Promise<Data>): Promise<Data> {
    const deadline = Date.now() + MAX_WAIT_MS;
    while (Date.now() < deadline) {
      const result = await run();
      if (result) return result;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(`等不到：${description}`);
  }
}
