import { AsyncLocalStorage } from 'node:async_hooks';
import ipaddr from 'ipaddr.js';

/** Who asks, as a key to count by. It goes along with the work of a request, also into other processes of the hub. */

/** The caller of one request. The key changes once, when the token is verified: from the address to the person. */
export interface CallerRecord {
  key: string;
}

/** The caller of the hub's own work: relays, resumers, loops, and what one process of the hub asks of another. */
export const HUB_CALLER = 'hub';

/** An IPv6 address has eight parts. The first four are its network. */
const NETWORK_PARTS = 4;
const PART_BITS = 16;

const callers = new AsyncLocalStorage<CallerRecord>();

/**
 * Returns the key of whoever asks for the current work: `person:<subject>` for a verified token, otherwise
 * `address:<ip>`. An IPv6 address counts by its network of 64 bits, the least that a provider gives to one customer.
 * Returns `hub` outside of a request and for a service of the hub.
 */
export function currentCaller(): string {
  return callers.getStore()?.key ?? HUB_CALLER;
}

/** Runs `run` as work of a caller. `notePerson` changes the record. */
export function runAsCaller<Result>(caller: CallerRecord, run: () => Result): Result {
  return callers.run(caller, run);
}

const PERSON = 'person:';

/** Notes that the current request has a verified token of this person. */
export function notePerson(subject: string): void {
  const caller = callers.getStore();
  if (caller) caller.key = PERSON + subject;
}

/** Returns whether a key is of a person, not of an address. */
export function isPerson(key: string): boolean {
  return key.startsWith(PERSON);
}

/** Notes that another process of the hub has sent the current request, for work of its own. */
export function noteHub(): void {
  const caller = callers.getStore();
  if (caller) caller.key = HUB_CALLER;
}

/** Some proxies add the port to an address, and put an IPv6 address in brackets. */
const ADDRESS_AND_PORT = /^(?:\[([^\]]{1,64})\]|([\d.]{7,15}))(?::\d{1,5})?$/;

/** The caller whose address is no address. All of them share its limits. */
export const UNKNOWN_CALLER = 'address:unknown';

/** Returns the key of whoever asks from an address, with or without a port. */
export function keyOfAddress(address: string | undefined): string {
  const parsed = parseAddress(address);
  if (!parsed) return UNKNOWN_CALLER;
  if (parsed instanceof ipaddr.IPv4) return `address:${parsed.toString()}`;
  const network = parsed.parts.slice(0, NETWORK_PARTS).map((part) => part.toString(16));
  return `address:${network.join(':')}::/${NETWORK_PARTS * PART_BITS}`;
}

/** Returns whether an address is one of `proxies` or in one of their networks. */
export function isTrustedProxy(address: string | undefined, proxies: readonly string[]): boolean {
  const parsed = parseAddress(address);
  if (!parsed) return false;
  return proxies.some((proxy) => {
    const [network, bits] = proxy.includes('/') ? ipaddr.parseCIDR(proxy) : toNetwork(ipaddr.process(proxy));
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}

function parseAddress(text: string | undefined): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const [, v6, v4] = ADDRESS_AND_PORT.exec(text ?? '') ?? [];
  const address = v6 ?? v4 ?? text ?? '';
  // `process` turns an IPv4 address within IPv6 into IPv4.
  return ipaddr.isValid(address) ? ipaddr.process(address) : null;
}

function toNetwork(address: ipaddr.IPv4 | ipaddr.IPv6): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  return [address, address.toByteArray().length * 8];
}
