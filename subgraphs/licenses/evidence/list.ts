import { deflateSync } from 'node:zlib';
import type { LicenseState } from '../../kernel/events.ts';

/** The status list (状态列表): every license version by its place, 4 bits each, as the IETF Token Status List lays it out. */

/** Values of the states; 15 says that a place is not in use. */
const VALUES: Readonly<Record<LicenseState, number>> = {
  VALID: 0,
  SUSPENDED: 1,
  SUPERSEDED: 2,
  LAPSED: 3,
  RESCINDED: 4,
  WITHDRAWN: 5,
  REVOKED: 6,
  CANCELLED: 7,
};
const UNUSED_OCTET = 0xff;

/** The list of versions with their places, in any order: zlib, base64url. */
export function packStates(versions: readonly { place: number; state: LicenseState }[]): string {
  const length = versions.reduce((most, { place }) => Math.max(most, place + 1), 0);
  const octets = Buffer.alloc(Math.ceil(length / 2), UNUSED_OCTET);
  for (const { place, state } of versions) {
    const at = place >> 1;
    const [low, high] =
      place % 2 === 0 ? [VALUES[state], octets.readUInt8(at) >> 4] : [octets.readUInt8(at) & 15, VALUES[state]];
    octets.writeUInt8((high << 4) | low, at);
  }
  return deflateSync(octets, { level: 9 }).toString('base64url');
}
