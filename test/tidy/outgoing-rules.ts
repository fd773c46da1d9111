import { findFreeNames } from './names.ts';
import { isWithin, type Rule, type Source } from './sources.ts';
import { readString, type SyntaxNode, walk } from './syntax.ts';

/** Connections to others have one home, with the rules of addresses, TLS and limits. */

const CLIENT = 'subgraphs/kernel/outgoing/http-client.ts';
const CODE = ['gateway', 'subgraphs', 'db', 'scripts', 'seeds'];
/** Scripts of the public pages: they run in a browser. */
const BROWSER = 'gateway/page/static';

/** Globals of Node that connect. */
const GLOBALS = new Set(['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest']);

/** What may be taken of the modules that can connect. Of every other one that is listed, nothing. */
const ALLOWED_EXPORTS: Readonly<Record<string, readonly string[]>> = {
  net: ['createServer', 'BlockList', 'isIP', 'isIPv4', 'isIPv6', 'SocketAddress'],
  http: ['createServer', 'STATUS_CODES'],
  https: [],
  http2: [],
  tls: [],
  dgram: [],
  dns: [],
  'dns/promises': [],
  inspector: [],
  undici: [],
  axios: [],
  got: [],
  'node-fetch': [],
  ws: [],
};

/** A package that connects by itself: its only user hands the client's options to it. */
const PACKAGE_HOMES: Readonly<Record<string, string>> = {
  '@fastify/reply-from': 'gateway/remote.ts',
  '@fastify/http-proxy': '',
};

function findConnections({ path, tree, imports }: Source): string[] {
  if (!isWithin(path, ...CODE) || isWithin(path, BROWSER) || path === CLIENT) return [];
  const globals = findFreeNames(tree.program).filter(({ name }) => GLOBALS.has(name));
  const loads = imports.flatMap(({ target, kind, names }) => {
    if (kind === 'type' || target === null) return [];
    const module = target.replace(/^node:/, '');
    if (target in PACKAGE_HOMES) return PACKAGE_HOMES[target] === path ? [] : [`loads ${target}`];
    const allowed = ALLOWED_EXPORTS[module];
    if (!allowed) return [];
    if (kind === 'dynamic') return [`loads ${target}`];
    return names.filter((name) => !allowed.includes(name)).map((name) => `${name} of ${target}`);
  });
  const hidden = walk(tree.program).filter(isHiddenLoad);
  return [
    ...globals.map(({ name, node }) => `line ${tree.lineOf(node.start)}: ${name}`),
    ...loads,
    ...hidden.map(({ start }) => `line ${tree.lineOf(start)}: loads a module in a way that no rule sees`),
  ];
}

/** `process.getBuiltinModule(…)`, `createRequire(…)(…)` of a module that connects. */
function isHiddenLoad({ type, callee, arguments: args }: SyntaxNode): boolean {
  if (type !== 'CallExpression') return false;
  const { property, computed } = callee as SyntaxNode;
  if (property) {
    const name = computed ? readString(property as SyntaxNode) : (property as SyntaxNode).name;
    if (name === 'getBuiltinModule') return true;
  }
  const [module] = args as SyntaxNode[];
  const target = readString(module)?.replace(/^node:/, '');
  return (callee as SyntaxNode).name === 'require' && target !== undefined && target in ALLOWED_EXPORTS;
}

/** `connect`, `createConnection` and `request` are methods as well: whoever holds a socket got it from a module. */
const FILE = 'subgraphs/cases/store.ts';

export const outgoingRules: Rule[] = [
  {
    name: 'connections to others are made by kernel/outgoing/http-client',
    findViolations: findConnections,
    planted: {
      'a request': { [FILE]: "export const answer = await fetch('http://a');" },
      'in the gateway': { 'gateway/remote.ts': "export const answer = await fetch('http://a');" },
      'in a script': { 'scripts/x.ts': "export const answer = await fetch('http://a');" },
      'under another name': { [FILE]: "const get = fetch;\nexport const answer = await get('http://a');" },
      'a web socket': { [FILE]: "export const socket = new WebSocket('ws://a');" },
      'a request of node:http': { [FILE]: "import { request } from 'node:http';\nrequest('http://a');" },
      'under the old name of the module': { [FILE]: "import { get } from 'http';\nget('http://a');" },
      'the whole of node:http': { [FILE]: "import http from 'node:http';\nhttp.get('http://a');" },
      'a namespace': { [FILE]: "import * as https from 'node:https';\nhttps.get('https://a');" },
      'a request of node:https': { [FILE]: "import { request } from 'node:https';\nrequest('https://a');" },
      'a socket': { [FILE]: "import { connect } from 'node:net';\nconnect(80);" },
      'a socket by its class': { [FILE]: "import { Socket } from 'node:net';\nnew Socket().connect(80);" },
      'a socket with TLS': { [FILE]: "import { connect } from 'node:tls';\nconnect(443);" },
      'HTTP/2': { [FILE]: "import { connect } from 'node:http2';\nconnect('https://a');" },
      datagrams: { [FILE]: "import { createSocket } from 'node:dgram';\ncreateSocket('udp4');" },
      'a look-up': { [FILE]: "import { lookup } from 'node:dns/promises';\nawait lookup('a');" },
      undici: { [FILE]: "import { request } from 'undici';\nawait request('http://a');" },
      'a proxy elsewhere': { 'gateway/x.ts': "import replyFrom from '@fastify/reply-from';\nuse(replyFrom);" },
      'by dynamic import': { [FILE]: "export const load = () => import('node:http');" },
      'by re-export': { [FILE]: "export { connect } from 'node:net';" },
      'without an import': { [FILE]: "process.getBuiltinModule('node:net').connect(80);" },
      'by require': { [FILE]: "const net = require('node:net');\nnet.connect(80);" },
    },
  },
];
