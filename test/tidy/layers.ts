/** Which layer a file is: its name tells, except in the kernel and in the signer, which are closed lists. */

/** From the top down: an import goes down, or sideways within a layer. */
const RANKS = {
  main: 6,
  index: 5,
  edge: 4,
  workflow: 3,
  client: 3,
  render: 2,
  /** Uses keys, draws random numbers or reads the clock of a token: the signer and the tokens of the kernel. */
  keys: 2,
  store: 2,
  tables: 1,
  rule: 0,
} as const;

export type Layer = keyof typeof RANKS;

/** The kernel. Each file has two importing subgraphs or more, by itself or through another file of the kernel. */
export const KERNEL: Record<string, Layer> = {
  actor: 'rule',
  'organ/fact': 'rule',
  'organ/organ-store': 'store',
  'organ/organ-tables': 'tables',
  'organ/place': 'rule',
  'organ/place-store': 'store',
  'organ/reform': 'rule',
  'outgoing/address': 'rule',
  'pdf/attachment': 'rule',
  cache: 'rule',
  'finding/fold': 'rule',
  'finding/keys': 'rule',
  'finding/keys-store': 'store',
  'finding/matter-name': 'rule',
  'finding/query': 'edge',
  'http/answer/csv': 'edge',
  'http/answer/file': 'edge',
  'http/answer/headers': 'edge',
  'http/answer/problem-hook': 'edge',
  'http/caller': 'store',
  'http/caller-hook': 'edge',
  columns: 'tables',
  'http/context': 'edge',
  day: 'rule',
  'day-schema': 'rule',
  'pdf/described-letter': 'rule',
  'pdf/document': 'render',
  'delivery/agent': 'rule',
  'delivery/recipients': 'render',
  'graphql/descriptions': 'edge',
  'graphql/document-limits': 'edge',
  'http/deadline-hook': 'edge',
  'http/errors': 'edge',
  'environment/exposure': 'store',
  'environment/kinds': 'rule',
  'environment/levels': 'rule',
  'environment/rows/limit-variables': 'rule',
  'environment/log': 'edge',
  'environment/mode': 'store',
  'environment/parse': 'rule',
  'environment/read': 'main',
  'environment/stop': 'main',
  'environment/redaction/redact': 'rule',
  'environment/request-log': 'edge',
  'environment/variables': 'rule',
  'environment/redaction/vocabulary': 'rule',
  'delivery/delivery': 'rule',
  'events/events': 'rule',
  'events/grant-content': 'rule',
  'foreign/csv': 'rule',
  'period/delegation': 'rule',
  'period/freshness': 'rule',
  'foreign/json': 'rule',
  'foreign/main': 'main',
  'foreign/message': 'rule',
  'foreign/pool': 'client',
  'http/http': 'edge',
  'outgoing/http-client': 'client',
  halt: 'rule',
  'environment/rows/outgoing-variables': 'rule',
  'environment/rows/sign-in-variables': 'rule',
  'environment/rows/parser-variables': 'rule',
  'environment/rows/trust-variables': 'rule',
  identifier: 'rule',
  'identity/citizen': 'rule',
  'identity/co-ownership': 'rule',
  'identity/country': 'rule',
  'identity/identity': 'rule',
  'identity/uscc': 'rule',
  'graphql/fresh-answers': 'edge',
  'graphql/global-id': 'rule',
  'actions/labels': 'rule',
  'graphql/actions': 'edge',
  'graphql/input-faults': 'edge',
  'graphql/inputs': 'edge',
  'graphql/node': 'edge',
  'graphql/refusals': 'edge',
  'license-acts': 'rule',
  'license-type/act-fit': 'rule',
  'license-type/changes': 'rule',
  'license-type/content': 'rule',
  'license-type/line': 'rule',
  'license-type/license-key': 'rule',
  'license-type/number': 'rule',
  'license-type/reissued-sheet': 'rule',
  'license-type/renaming': 'rule',
  'license-type/situation': 'rule',
  'license-type/type': 'rule',
  'limits/allowance': 'rule',
  'limits/body': 'edge',
  'limits/fair-queue': 'rule',
  'limits/limits': 'rule',
  'limits/operation-hook': 'edge',
  'limits/places': 'rule',
  'limits/room': 'rule',
  'limits/server': 'edge',
  loop: 'store',
  'events/delivery-store': 'store',
  'events/delivery-waits': 'store',
  'events/outbox-store': 'store',
  'events/outbox-tables': 'tables',
  'events/relay': 'workflow',
  'events/guide-fact': 'rule',
  'events/seal-grant': 'rule',
  'http/operation-log': 'edge',
  'list/csv-text': 'rule',
  'list/keyset-store': 'store',
  'list/page': 'store',
  'pdf/pdf': 'rule',
  'limits/overload': 'rule',
  policy: 'rule',
  'privacy/code-search-workflow': 'workflow',
  'privacy/mask': 'rule',
  'privacy/output': 'edge',
  'privacy/output-rules': 'rule',
  'privacy/purpose': 'rule',
  'privacy/purpose-header': 'edge',
  'privacy/reading': 'rule',
  'privacy/reading-store': 'store',
  'privacy/reading-tables': 'tables',
  'privacy/reading-view': 'edge',
  'proposal/announcement': 'rule',
  'proposal/announcement-store': 'store',
  'proposal/proposal': 'rule',
  'proposal/store': 'store',
  'proposal/tables': 'tables',
  'proposal/workflow': 'workflow',
  'http/ports-client': 'client',
  refusal: 'rule',
  'refusals/collector': 'rule',
  'sealing/salt': 'rule',
  'http/resolver-types': 'edge',
  'pdf/qr': 'render',
  'pdf/seal-image': 'rule',
  'pdf/seal-picture': 'render',
  'pdf/sealed-pdf': 'rule',
  'sealing/person-signature': 'rule',
  'sealing/random': 'keys',
  'sealing/sealing-workflow': 'workflow',
  'http/serve': 'edge',
  'sealing/attest': 'rule',
  'sealing/authorisation': 'keys',
  'sealing/seal-kind': 'rule',
  'sealing/sign': 'rule',
  'sealing/signing-workflow': 'workflow',
  'tlog/checkpoint': 'rule',
  'tlog/fault': 'rule',
  'tlog/note': 'rule',
  'tlog/tree': 'rule',
  text: 'rule',
  'period/validity': 'rule',
  'sealing/service-keys': 'rule',
  'sealing/service-token': 'keys',
  'sealing/token': 'keys',
};

/** The files of the signer that use keys, draw random numbers or read the key file. The names of the others tell. */
const SIGNER = new Set([
  ...['authority', 'key-file', 'keys', 'known-file', 'person/person-file', 'pki', 'signer', 'timestamp'],
]);

/** Returns the layer of a file under subgraphs/, null for any other file. */
export function layerOf(path: string): Layer | null {
  const file = /^subgraphs\/(.+)\.(ts|js)$/.exec(path)?.[1];
  if (file === undefined || file.endsWith('.gen')) return null;
  const kernelFile = /^kernel\/(.+)$/.exec(file)?.[1];
  if (kernelFile !== undefined) return KERNEL[kernelFile] ?? 'rule';
  const signerFile = /^seals\/signer\/(.+)$/.exec(file)?.[1];
  if (signerFile !== undefined && SIGNER.has(signerFile)) return 'keys';
  return layerOfName(file.split('/').at(-1) ?? '');
}

function layerOfName(name: string): Layer {
  switch (name.split('-').at(-1)) {
    case 'main':
    case 'index':
    case 'workflow':
    case 'client':
    case 'render':
    case 'store':
    case 'tables':
      return name.split('-').at(-1) as Layer;
    case 'resolvers':
    case 'routes':
    case 'view':
      return 'edge';
    default:
      return 'rule';
  }
}

export function rankOf(layer: Layer): number {
  return RANKS[layer];
}

/** Whether a file is a pure rule, which every file under subgraphs/ is unless its name says another layer. */
export function isPure(path: string): boolean {
  return layerOf(path) === 'rule';
}
