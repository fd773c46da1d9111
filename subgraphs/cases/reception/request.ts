import { computeContentDigest } from '../../kernel/events/events.ts';
import type { SubmittedMaterial } from '../material/material.ts';
import type { Application } from './application.ts';

/** A request to receive an application. */
export interface Request {
  matterId: string;
  application: Application;
  materials: readonly SubmittedMaterial[];
  /** If the same person sends the same key again, the answer is the case of the first request. */
  requestKey: string | null;
  dryRun: boolean;
}

/** Returns the digest of what a request asks for. Without a situation it is the digest of earlier releases. */
export function digestOf({ matterId, application, materials }: Request): string {
  const { act: situation, coOwnership, reissuedSheets, ...named } = application;
  const optional = {
    ...(situation !== null && { situation }),
    ...(coOwnership !== null && { coOwnership }),
    ...(reissuedSheets !== null && { reissuedSheets }),
  };
  return computeContentDigest({ matterId, ...named, ...optional, materials });
}
