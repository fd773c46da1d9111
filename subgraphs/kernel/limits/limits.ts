import { parseEnvironment } from '../environment/parse.ts';
import type { CONNECTION_LIMITS, OPERATION_LIMITS } from '../environment/rows/limit-variables.ts';

/** The limits of a process, as its environment sets them. Pure. */

/** Verifications of one operation at most. Each costs some hundredths of a second of CPU time, and needs no token. */
export const MAX_VERIFICATIONS = 5;

/** What a server allows on its connections. */
export interface ConnectionLimits {
  maxConnections: number;
  /** Of one address. Infinity in a process that only other processes of the hub connect to. */
  maxConnectionsPerAddress: number;
  maxPipelinedRequests: number;
  maxHeaderBytes: number;
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  idleTimeoutMs: number;
  keepAliveTimeoutMs: number;
  minBytesPerSecond: number;
  /** How long a caller may be below the least speed. Its speed is measured over this time. */
  speedWindowMs: number;
}

/** What one caller and all callers may have the hub do at the same time and in a minute. */
export interface OperationLimits {
  maxOperations: number;
  maxOperationsPerCaller: number;
  maxWaiting: number;
  maxWaitingPerCaller: number;
  /** Of bodies that arrive or wait for their turn. */
  maxHeldBytes: number;
  maxHeldBytesPerCaller: number;
  waitingTimeoutMs: number;
  requestsPerMinute: number;
  maxCountedCallers: number;
}

export interface HubLimits {
  connections: ConnectionLimits;
  operations: OperationLimits;
}

const SPEED_WINDOW_MS = 10_000;
const MS_PER_SECOND = 1_000;

type Numbers<Table> = { [Name in keyof Table]: number };
/** What `readEnvironment` returns of these variables. A process that only others of the hub connect to lacks one. */
type ConnectionSettings = Omit<Numbers<typeof CONNECTION_LIMITS>, 'MAX_CONNECTIONS_PER_ADDRESS'> & {
  MAX_CONNECTIONS_PER_ADDRESS?: number;
};
type OperationSettings = Numbers<typeof OPERATION_LIMITS>;

/** Returns the limits of connections that the environment sets. */
export function readConnectionLimits(settings: ConnectionSettings): ConnectionLimits {
  return {
    maxConnections: settings.MAX_CONNECTIONS,
    maxConnectionsPerAddress:
      settings.MAX_CONNECTIONS_PER_ADDRESS === undefined
        ? Number.POSITIVE_INFINITY
        : leaveOne(settings.MAX_CONNECTIONS_PER_ADDRESS, settings.MAX_CONNECTIONS),
    maxPipelinedRequests: settings.MAX_PIPELINED_REQUESTS,
    maxHeaderBytes: settings.MAX_HEADER_BYTES,
    headersTimeoutMs: settings.HEADERS_SECONDS * MS_PER_SECOND,
    requestTimeoutMs: settings.REQUEST_SECONDS * MS_PER_SECOND,
    idleTimeoutMs: settings.IDLE_SECONDS * MS_PER_SECOND,
    keepAliveTimeoutMs: settings.KEEP_ALIVE_SECONDS * MS_PER_SECOND,
    minBytesPerSecond: settings.MIN_BYTES_PER_SECOND,
    speedWindowMs: SPEED_WINDOW_MS,
  };
}

/** Returns all limits of a process of the hub. */
export function readHubLimits(settings: ConnectionSettings & OperationSettings): HubLimits {
  return {
    connections: readConnectionLimits(settings),
    operations: {
      maxOperations: settings.MAX_OPERATIONS,
      maxOperationsPerCaller: leaveOne(settings.MAX_OPERATIONS_PER_CALLER, settings.MAX_OPERATIONS),
      maxWaiting: settings.MAX_WAITING,
      maxWaitingPerCaller: leaveOne(settings.MAX_WAITING_PER_CALLER, settings.MAX_WAITING),
      maxHeldBytes: settings.MAX_HELD_BYTES,
      maxHeldBytesPerCaller: leaveOne(settings.MAX_HELD_BYTES_PER_CALLER, settings.MAX_HELD_BYTES),
      waitingTimeoutMs: settings.WAITING_SECONDS * MS_PER_SECOND,
      requestsPerMinute: settings.REQUESTS_PER_MINUTE,
      maxCountedCallers: settings.MAX_COUNTED_CALLERS,
    },
  };
}

/** Returns the part that one caller may take. It leaves one for others, whatever the operator has set. */
function leaveOne(part: number, whole: number): number {
  return Math.max(1, Math.min(part, whole - 1));
}

/** The limits of a hub whose environment sets none. */
export const DEFAULT_HUB_LIMITS: HubLimits = readHubLimits(parseEnvironment('start', {}).settings);
