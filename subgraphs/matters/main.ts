import { createPublicKey } from 'node:crypto';
import { connect } from '../../db/client.ts';
import { createEventSender, serveSubgraph } from '../kernel/serve.ts';
import { createMatters } from './index.ts';

/** The matters subgraph as a process of its own; SECURITY.md lists its environment. */
const { DATABASE_URL = '', PORT = '4001', TOKEN_PUBLIC_KEY = '', SERVICE_KEY = '', CASES_URL = '' } = process.env;

const now = () => new Date();
const serviceKey = Buffer.from(SERVICE_KEY, 'base64url');
const { db, close } = connect(DATABASE_URL, 'tongquan-matters');
const send = { cases: createEventSender(CASES_URL, 'matters', serviceKey, now) };
const matters = createMatters({ db, now, send, onError: console.error });
const app = await serveSubgraph(matters, { tokenKey: createPublicKey(TOKEN_PUBLIC_KEY), serviceKey, now });
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
matters.start();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await app.close();
    await matters.stop();
    await close();
  });
}
