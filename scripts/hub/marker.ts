import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** The marker of a data folder, `hub.json`: the form of the folder, and whose it is. Folders up to 0.4.1 have none. */

/** Form of the folder that this release writes. A release that another could not read must use the next number. */
export const FOLDER_FORMAT = 1;

const markerSchema = z.looseObject({
  format: z.number().int().positive(),
  /** Release that wrote the marker. */
  release: z.string(),
  /** Key of the log (C2SP signed-note): the identity of the hub. */
  logKey: z.string().optional(),
  /** Whether demo people, agreements or blanks were entered. Folders up to 0.4.1 do not say it, and count as such. */
  demonstration: z.boolean().optional(),
  /** When and by whom the demonstration was ended by `npm run takeover`. */
  takenOver: z.object({ at: z.iso.datetime(), by: z.string() }).optional(),
  /** What `npm run resume` accepted as lost: the number of records for each comparison, see `check/agreement.ts`. */
  accepted: z.record(z.string(), z.number().int().nonnegative()).default({}),
  /** The clock may be behind what was recorded up to this instant. */
  acceptedClock: z.iso.datetime().optional(),
});
export type Marker = z.infer<typeof markerSchema>;

function locateMarker(folder: string): string {
  return join(folder, 'hub.json');
}

/** Returns the marker of a folder, null if it has none, or `UNREADABLE`. */
export function readMarker(folder: string): Marker | null | 'UNREADABLE' {
  try {
    return markerSchema.parse(JSON.parse(readFileSync(locateMarker(folder), 'utf8')));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : 'UNREADABLE';
  }
}

/** Writes the marker of this release, atomically. Keeps what it does not change. */
export function writeMarker(
  folder: string,
  changes: Partial<Pick<Marker, 'logKey' | 'demonstration' | 'takenOver' | 'accepted' | 'acceptedClock'>>,
): void {
  const existing = readMarker(folder);
  const marker = {
    ...(existing === 'UNREADABLE' ? null : existing),
    format: FOLDER_FORMAT,
    release: readRelease(),
    ...changes,
  };
  const text = `${JSON.stringify(marker, null, 2)}\n`;
  const file = locateMarker(folder);
  const draft = `${file}.draft`;
  writeFileSync(draft, text, { flush: true });
  renameSync(draft, file);
}

function readRelease(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return String(version);
}
