import ipaddr from 'ipaddr.js';

/** Which addresses the hub may connect to. An allow-list: what no rule names is refused. Pure. */

/**
 * Who named the host of a request.
 * `OPERATOR`: it stands in the environment. `PERSON`: it was entered through the API, and may be outside the public
 * network only if the operator lists it.
 */
export type Reach = { by: 'OPERATOR' } | { by: 'PERSON'; listedHosts: readonly string[] };

/** Hosts that stand in the environment of this process. */
export const OPERATOR: Reach = { by: 'OPERATOR' };

/** Where a request goes. `tcp:` is a connection without TLS, as to clamd. */
export interface Target {
  protocol: string;
  /** A name or an address, as `URL` or the environment writes it. */
  host: string;
}

/** What this process knows of itself. */
export interface Surroundings {
  isProduction: boolean;
  /** Addresses of this machine's own interfaces: a service there is as close as one on loopback. */
  ownAddresses: readonly string[];
}

/**
 * `OWN`: an interface of this machine, whatever its address. `OTHER`: link-local, metadata of a cloud, multicast,
 * tunnels, documentation, reserved.
 */
type AddressClass = 'PUBLIC' | 'LOOPBACK' | 'OWN' | 'PRIVATE' | 'OTHER';

const PRIVATE_RANGES: ReadonlySet<string> = new Set(['private', 'carrierGradeNat', 'uniqueLocal']);

/** Clouds answer with a machine's secrets there. The other known ones are link-local. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set(['fd00:ec2::254', 'fd20:ce::254', '100.100.100.200']);

/** IANA has assigned public addresses from this block only. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

type Address = ReturnType<typeof ipaddr.parse>;

/** Returns the address that a text names, an IPv4-mapped one as IPv4. Null for a name and for a zone id. */
function parseAddress(text: string): Address | null {
  // Octal, hexadecimal and shortened forms are not read here: `URL` has already written them in full.
  // The library takes `::10.0.0.1`, an address of no use, for the mapped `::ffff:10.0.0.1`.
  const isPlain = ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && !/%|^::\d+\./.test(text));
  return isPlain && ipaddr.isValid(text) ? ipaddr.process(text) : null;
}

function classify(address: Address, { ownAddresses }: Surroundings): AddressClass {
  const range = address.range();
  const text = address.toString();
  if (METADATA_ADDRESSES.has(text)) return 'OTHER';
  const isOwn = ownAddresses.some((own) => parseAddress(own.split('%')[0] ?? '')?.toString() === text);
  if (range === 'loopback') return 'LOOPBACK';
  if (isOwn) return 'OWN';
  if (PRIVATE_RANGES.has(range)) return 'PRIVATE';
  if (range !== 'unicast') return 'OTHER';
  if (address instanceof ipaddr.IPv6 && !address.match(GLOBAL_UNICAST)) return 'OTHER';
  return 'PUBLIC';
}

/** Returns a host without brackets and final dot, in lower case. */
function toPlainHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/** Whether an entry of a list is this host by its name or address, or a network (CIDR) that holds the address. */
function isListed(listedHosts: readonly string[], host: string, address: Address): boolean {
  return listedHosts.some((entry) => {
    const listedHost = toPlainHost(entry);
    if (ipaddr.isValidCIDR(listedHost)) return isWithin(address, listedHost);
    const listedAddress = parseAddress(listedHost);
    return listedAddress === null ? listedHost === host : listedAddress.toString() === address.toString();
  });
}

function isWithin(address: Address, network: string): boolean {
  if (address instanceof ipaddr.IPv4) {
    return ipaddr.IPv4.isValidCIDR(network) && address.match(ipaddr.IPv4.parseCIDR(network));
  }
  return ipaddr.IPv6.isValidCIDR(network) && address.match(ipaddr.IPv6.parseCIDR(network));
}

/**
 * Whether the hub may connect to `address` for `target`. Asked of each address to which a name resolves, at the moment
 * of connecting.
 */
export function mayConnect(target: Target, address: string, reach: Reach, surroundings: Surroundings): boolean {
  const parsedAddress = parseAddress(address);
  if (parsedAddress === null) return false;
  const host = toPlainHost(target.host);
  const addressClass = classify(parsedAddress, surroundings);
  const isNamedItself = parseAddress(host)?.toString() === parsedAddress.toString();
  if (!isProtected(target.protocol, addressClass, reach, surroundings)) return false;
  if (addressClass === 'PUBLIC') return true;
  if (reach.by === 'OPERATOR') return addressClass !== 'OTHER' || isNamedItself;
  // A name in the list stands for its private addresses. Metadata and link-local addresses must be listed themselves.
  const listedHosts = addressClass === 'OTHER' && !isNamedItself ? [] : reach.listedHosts;
  if (isListed(listedHosts, host, parsedAddress)) return true;
  const isLoopbackHost = isLoopbackName(host) || isNamedItself;
  return addressClass === 'LOOPBACK' && isLoopbackHost && !surroundings.isProduction;
}

/** Whether nobody can listen: TLS, or this machine. In development the operator answers for the network. */
function isProtected(protocol: string, to: AddressClass, reach: Reach, { isProduction }: Surroundings): boolean {
  if (protocol === 'https:') return true;
  if (protocol !== 'http:' && protocol !== 'tcp:') return false;
  if (reach.by === 'OPERATOR') return to === 'LOOPBACK' || to === 'OWN' || !isProduction;
  return to === 'LOOPBACK' && !isProduction;
}

const URL_PROBLEMS = {
  MALFORMED: '须为完整的网址，不带用户名、密码和片段',
  INSECURE: '须为 https；仅在开发环境可用本机的 http',
  INTERNAL: '在内部网络，须先由运维人员列入许可',
} as const;

/**
 * Returns why a URL that a person enters is refused, a clause for people, or null. Only what the text itself tells: the
 * addresses of a name are checked when the hub connects.
 */
export function findUrlProblem(text: string, reach: Reach, surroundings: Surroundings): string | null {
  const url = URL.parse(text);
  if (!url || url.hostname === '' || url.username !== '' || url.password !== '' || url.hash !== '') {
    return URL_PROBLEMS.MALFORMED;
  }
  const host = toPlainHost(url.hostname);
  const address = parseAddress(host);
  if (address === null && !isLoopbackName(host)) return url.protocol === 'https:' ? null : URL_PROBLEMS.INSECURE;
  const knownAddress = address === null ? '127.0.0.1' : address.toString();
  if (mayConnect({ protocol: url.protocol, host }, knownAddress, reach, surroundings)) return null;
  const mayWithTls = mayConnect({ protocol: 'https:', host }, knownAddress, reach, surroundings);
  return mayWithTls ? URL_PROBLEMS.INSECURE : URL_PROBLEMS.INTERNAL;
}
