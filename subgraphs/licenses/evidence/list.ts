import { deflateSync } from 'node:zlib';
import type { ValidityState } from '../../kernel/license-acts.ts';
import { LIST_STATES } from '../verify/status.ts';

/** The status list (状态列表): 4 bits per license version at its index, in the layout of the IETF Token Status List. */

const UNUSED_OCTET = 0xff;

/** Packs the states of versions, in any order, into a list: zlib, base64url. */
export function packStates(versions: readonly { place: number; state: ValidityState }[]): string {
  const length = versions.reduce((longest, { place }) => Math.max(longest, place + 1), 0);
  const octets = Buffer.alloc(Math.ceil(length / 2), UNUSED_OCTET);
  for (const { place, state } of versions) {
    const at = place >> 1;
    const value = LIST_STATES.indexOf(state);
    const [low, high] = place % 2 === 0 ? [value, octets.readUInt8(at) >> 4] : [octets.readUInt8(at) & 15, value];
    octets.writeUInt8((high << 4) | low, at);
  }
  return deflateSync(octets, { level: 9 }).toString('base64url');
}
