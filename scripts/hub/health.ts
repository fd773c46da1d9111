import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';

/** Asks a hub on this machine how it is. */

const ANSWER_TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 65_536;

export interface HubHealth {
  /** `ready`, `not ready`, or `refused`: a hub that refused to start or has halted. */
  status: string;
  /** Why it does not act. Empty unless it has refused. */
  code: string;
  message: string;
}

/** Looks once at `/health/ready`. Returns null if nothing answers there, or something that is no hub. */
export async function readHealth(url: string): Promise<HubHealth | null> {
  const limits = { timeoutMs: ANSWER_TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES };
  try {
    const { bytes } = await sendRequest(`${url}/health/ready`, { method: 'GET', reach: OPERATOR, ...limits });
    const { status, code = '', message = '' } = JSON.parse(bytes.toString('utf8'));
    return typeof status === 'string' ? { status, code: String(code), message: String(message) } : null;
  } catch {
    return null;
  }
}
