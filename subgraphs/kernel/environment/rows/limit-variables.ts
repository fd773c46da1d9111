import * as kinds from '../kinds.ts';

/** Environment variables that limit what callers may take. `variables.ts` has them in its table. */

/** The gateway and the hub in one process take this if the variable is absent. */
function gatewayDefault<const Text extends string>(value: Text) {
  return { start: { default: value }, gateway: { default: value } } as const;
}

/** Every process that answers reads takes this if the variable is absent. */
function readDefault<const Text extends string>(value: Text) {
  const absent = { default: value } as const;
  return { ...gatewayDefault(value), matters: absent, cases: absent, licenses: absent, seals: absent } as const;
}

/** Each process that carries out mutations takes this if the variable is absent. */
function writeDefault<const Text extends string>(value: Text) {
  const absent = { default: value } as const;
  return { start: absent, matters: absent, cases: absent, licenses: absent, seals: absent } as const;
}

/** Environment variables for what callers may ask of the gateway. */
export const COST_LIMITS = {
  READ_DEADLINE_MS: {
    kind: kinds.readDeadline,
    about: 'Milliseconds that a query or the answer to a GET may take. Then its statements are cancelled.',
    uses: readDefault('10000'),
  },
  EVENT_WAIT_MS: {
    kind: kinds.eventWait,
    about:
      'Milliseconds that the answer of a mutation waits until the other subgraphs know what it changed. Then the answer ' +
      'names those that do not.',
    uses: writeDefault('3000'),
  },
  FILE_LINK_SECONDS: {
    kind: kinds.count,
    about: 'Seconds for which a link to a file counts that `POST /file-links` gives.',
    uses: gatewayDefault('120'),
  },
  MAX_OPERATION_COST: {
    kind: kinds.count,
    about: 'Maximum cost of one GraphQL operation. One unit is about one field of one object.',
    uses: gatewayDefault('50000'),
  },
  COST_PER_MINUTE: {
    kind: kinds.count,
    about: 'Cost of the GraphQL operations that one person may run within a minute.',
    uses: gatewayDefault('1000000'),
  },
  ANONYMOUS_COST_PER_MINUTE: {
    kind: kinds.count,
    about: 'Cost of the GraphQL operations that one address may run within a minute without a token.',
    uses: gatewayDefault('200000'),
  },
  MAX_ANSWER_BYTES: {
    kind: kinds.count,
    about: 'Maximum size of a GraphQL answer.',
    uses: gatewayDefault('8388608'),
  },
} as const;

/** Every process of the hub that a caller's request comes to. */
const inHub = <const Text extends string>(value: Text) =>
  ({
    ...{ start: { default: value }, gateway: { default: value }, matters: { default: value } },
    ...{ cases: { default: value }, licenses: { default: value }, seals: { default: value } },
  }) as const;

const inPeers = <const Text extends string>(value: Text) =>
  ({
    ...{ library: { default: value }, platform: { default: value } },
    ...{ supervisor: { default: value }, witness: { default: value } },
  }) as const;

/** Every process that listens. */
const everywhere = <const Text extends string>(value: Text) =>
  ({ ...inHub(value), ...inPeers(value), signer: { default: value } }) as const;

/** Limits of connections and of the time and the speed of a request. */
export const CONNECTION_LIMITS = {
  MAX_CONNECTIONS: {
    kind: kinds.count,
    about: 'Open connections in all. A further one is closed at once.',
    uses: everywhere('2000'),
  },
  MAX_CONNECTIONS_PER_ADDRESS: {
    kind: kinds.count,
    about: 'Open connections of one address (IPv6: of one network of 64 bits). TRUSTED_PROXIES are not counted.',
    uses: { start: { default: '1000' }, gateway: { default: '1000' }, ...inPeers('1000') },
  },
  MAX_PIPELINED_REQUESTS: {
    kind: kinds.count,
    about: 'Requests of one connection that are not answered yet. The connection is closed at the next one.',
    uses: everywhere('8'),
  },
  MAX_HEADER_BYTES: {
    kind: kinds.count,
    about: 'Size of the request line and all headers of one request.',
    uses: everywhere('16384'),
  },
  HEADERS_SECONDS: {
    kind: kinds.count,
    about: 'Time for the headers of a request to arrive.',
    uses: everywhere('10'),
  },
  REQUEST_SECONDS: {
    kind: kinds.count,
    about: 'Time for a whole request to arrive, however fast it is.',
    uses: { ...everywhere('300'), library: { default: '30' }, witness: { default: '10' } },
  },
  IDLE_SECONDS: {
    kind: kinds.count,
    about: 'A connection on which no byte moves for this time is closed, also during a request.',
    uses: everywhere('60'),
  },
  KEEP_ALIVE_SECONDS: {
    kind: kinds.count,
    about: 'How long a connection without a request stays open. Longer than in the proxy in front, if there is one.',
    uses: everywhere('72'),
  },
  MIN_BYTES_PER_SECOND: {
    kind: kinds.count,
    about: 'Least speed at which a caller must send a body and take an answer. Below it the connection is closed.',
    uses: everywhere('8192'),
  },
} as const;

/** Limits of what one caller and all callers may have the hub do. */
export const OPERATION_LIMITS = {
  MAX_OPERATIONS: {
    kind: kinds.count,
    about: 'Operations and other requests that are carried out at the same time. Further ones wait for their turn.',
    uses: inHub('64'),
  },
  MAX_OPERATIONS_PER_CALLER: {
    kind: kinds.count,
    about:
      'Requests of one caller that are carried out at the same time: of a person, or of an address without a token.',
    uses: inHub('8'),
  },
  MAX_WAITING: {
    kind: kinds.count,
    about: 'Requests that wait for their turn. A further one is answered by 503 OVERLOADED.',
    uses: inHub('1024'),
  },
  MAX_WAITING_PER_CALLER: {
    kind: kinds.count,
    about: 'Requests of one caller that wait for their turn. A further one is answered by 429 RATE_LIMITED.',
    uses: inHub('64'),
  },
  MAX_HELD_BYTES: {
    kind: kinds.count,
    about: 'Bytes of bodies that arrive or wait for their turn. The first 16 KiB of each are not counted.',
    uses: inHub('134217728'),
  },
  MAX_HELD_BYTES_PER_CALLER: {
    kind: kinds.count,
    about: 'Bytes of bodies of one caller that arrive or wait for their turn. A part beyond them is 429 RATE_LIMITED.',
    uses: inHub('16777216'),
  },
  WAITING_SECONDS: {
    kind: kinds.count,
    about: 'A request that waits longer for its turn is given up.',
    uses: inHub('10'),
  },
  REQUESTS_PER_MINUTE: {
    kind: kinds.count,
    about: 'Requests of one caller. They may come all at once.',
    uses: inHub('6000'),
  },
  MAX_COUNTED_CALLERS: {
    kind: kinds.count,
    about: 'Callers whose requests of the last minute are counted each by itself. Further ones are counted together.',
    uses: inHub('50000'),
  },
} as const;

/** Environment variables for what uploads and applications may take. */
export const UPLOAD_LIMITS = {
  UPLOAD_PLACES: {
    kind: kinds.count,
    about: 'Files that are received at the same time. Each takes up to 20 MiB of memory, three times while it grows.',
    uses: { start: { default: '12' }, cases: { default: '12' } },
  },
  UPLOAD_PLACES_PER_PERSON: {
    kind: kinds.count,
    about: 'Files of one person that are received at the same time. A further upload is 429 RATE_LIMITED.',
    uses: { start: { default: '3' }, cases: { default: '3' } },
  },
  UPLOAD_SECONDS: {
    kind: kinds.count,
    about: 'Time for one file to arrive. After that it is 408 UPLOAD_TOO_SLOW.',
    uses: { start: { default: '240' }, cases: { default: '240' } },
  },
  UPLOAD_MIN_BYTES_PER_SECOND: {
    kind: kinds.count,
    about: 'Least speed of an upload, measured over 5 seconds. Below it the upload is 408 UPLOAD_TOO_SLOW.',
    uses: { start: { default: '16384' }, cases: { default: '16384' } },
  },
  UPLOAD_MB_PER_DAY: {
    kind: kinds.count,
    about: 'MiB that one applicant may upload within 24 hours. A further upload is 422 UPLOADS_OF_DAY_TOO_LARGE.',
    uses: { start: { default: '1024' }, cases: { default: '1024' } },
  },
  STAFF_UPLOAD_MB_PER_DAY: {
    kind: kinds.count,
    about: 'The same for one member of the staff, who uploads for many applicants.',
    uses: { start: { default: '8192' }, cases: { default: '8192' } },
  },
  HOLDER_CHECKS_PER_DAY: {
    kind: kinds.count,
    about:
      "Licenses that one person may name with a wrong holder's code within 24 hours. Then naming any license is " +
      'HOLDER_CHECKS_TOO_MANY. The same holds for the licenses that an applicant names to have them transferred, and ' +
      'for the searches of one person by a code that find nothing.',
    uses: { start: { default: '10' }, cases: { default: '10' }, licenses: { default: '10' } },
  },
  PROGRESS_TRIES_PER_MINUTE: {
    kind: kinds.count,
    about: "Wrong codes of a case's progress that one caller may enter in a minute. A further one is RATE_LIMITED.",
    uses: { start: { default: '10' }, cases: { default: '10' } },
  },
  OPEN_APPLICATIONS_PER_APPLICANT: {
    kind: kinds.count,
    about: 'Applications of one applicant that wait for acceptance. A further one is APPLICATIONS_TOO_MANY.',
    uses: { start: { default: '50' }, cases: { default: '50' } },
  },
} as const;
