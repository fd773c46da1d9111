import type { KeyObject } from 'node:crypto';
import type { Clock } from '../subgraphs/kernel/day.ts';

/** How the gateway knows who asks. */
export interface Doorkeeper {
  /** Public half of the key pair that signs people's tokens (Ed25519). */
  tokenKey: KeyObject;
  now: Clock;
}
