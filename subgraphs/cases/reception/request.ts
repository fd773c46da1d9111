import { computeContentDigest } from '../../kernel/events/events.ts';
import type { SubmittedMaterial } from '../material/material.ts';
import type { PartyChanges } from '../party/party.ts';
import type { Application } from './application.ts';
import type { ConsentStatement } from './consent.ts';

/** A request to receive an application. */
export interface Request {
  matterId: string;
  application: Application;
  materials: readonly SubmittedMaterial[];
  /** That the holder consents to a transfer, or null. */
  consent: ConsentStatement | null;
  /** If the same person sends the same key again, the answer is the case of the first request. */
  requestKey: string | null;
  dryRun: boolean;
}

/** What a supplement may correct: the lines of the application, the license that it names, its materials. */
export interface Supplement extends PartyChanges {
  fields: Application['fields'] | null;
  licenseNumber: string | null;
  materials: readonly SubmittedMaterial[];
  note: string | null;
  consent: ConsentStatement | null;
}

/** Returns the digest of what a request asks for. Without a situation it is the digest of earlier releases. */
export function digestOf({ matterId, application, materials, consent }: Request): string {
  const { act: situation, coOwnership, reissuedSheets, agent, contact, ...named } = application;
  const optional = {
    ...(situation !== null && { situation }),
    ...(coOwnership !== null && { coOwnership }),
    ...(reissuedSheets !== null && { reissuedSheets }),
    ...(agent !== null && { agent }),
    ...(contact !== null && { contact }),
    ...(consent !== null && { consent }),
  };
  return computeContentDigest({ matterId, ...named, ...optional, materials });
}
