import type { KeyObject } from 'node:crypto';
import type { Clock } from '../subgraphs/kernel/day.ts';

/** What the gateway needs to identify callers. */
export interface TokenCheck {
  /** Public half of the key pair that signs people's tokens (Ed25519). */
  tokenKey: KeyObject;
  now: Clock;
}
