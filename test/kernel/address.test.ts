import { describe, expect, test } from 'vitest';
import { findUrlProblem, mayConnect, OPERATOR, type Reach } from '../../subgraphs/kernel/outgoing/address.ts';

/** Which addresses the hub may connect to, for whom. */

const development = { isProduction: false, ownAddresses: [] };
const production = { isProduction: true, ownAddresses: [] };
const person: Reach = { by: 'PERSON', listedHosts: [] };
const listing = (...listedHosts: string[]): Reach => ({ by: 'PERSON', listedHosts });
const named = (host = 'jg.example.cn', protocol = 'https:') => ({ protocol, host });

const PUBLIC = [
  '8.8.8.8',
  '1.1.1.1',
  '172.32.0.1',
  '100.128.0.1',
  '2400:3200::1',
  '2001:4860:4860::8888',
  '::ffff:8.8.8.8',
];

/** What no name may mean, except for whom the operator answers. */
const NEARBY = {
  'RFC 1918, 10/8': ['10.0.0.0', '10.1.2.3', '10.255.255.255'],
  'RFC 1918, 172.16/12': ['172.16.0.1', '172.31.255.255'],
  'RFC 1918, 192.168/16': ['192.168.0.1', '192.168.255.255'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
  'unique local': ['fc00::1', 'fdff::1'],
  'IPv4-mapped': ['::ffff:10.0.0.1', '::FFFF:c0a8:101'],
};
/** What not even a listed name may mean. */
const NOWHERE = {
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0'],
  'link-local': ['169.254.0.1', 'fe80::1', 'febf::1', '::ffff:169.254.0.1'],
  metadata: ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  broadcast: ['255.255.255.255'],
  reserved: ['192.0.0.1', '240.0.0.1', '192.88.99.1'],
  benchmarking: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.9', '2001:db8::1', '3fff::1'],
  NAT64: ['64:ff9b::a00:1', '64:ff9b::808:808', '64:ff9b:1::1'],
  '6to4 and Teredo': ['2002:7f00:1::', '2002:808:808::1', '2001:0:1::1'],
  'IPv4-compatible and translated': ['::127.0.0.1', '::10.0.0.1', '::ffff:0:10.0.0.1'],
  'site-local and unassigned': ['fec0::1', '100::1', '4000::1', '5f00::1'],
  'no address': ['', 'not an address', 'localhost', '127.1', '0x7f.0.0.1', '0177.0.0.1', '2130706433', '127.0.0.1 '],
  'with a zone': ['fe80::1%eth0', '::1%lo', '2400:3200::1%eth0'],
  brackets: ['[::1]', '[2400:3200::1]'],
};
const rows = (table: Record<string, string[]>) =>
  Object.entries(table).flatMap(([kind, addresses]) => addresses.map((address) => [kind, address] as const));

describe('a name that a person entered', () => {
  test.each(PUBLIC)('may mean the public address %s', (address) => {
    expect(mayConnect(named(), address, person, production)).toBe(true);
  });
  test.each([...rows(NEARBY), ...rows(NOWHERE)])('must not mean %s: %s', (_kind, address) => {
    expect(mayConnect(named(), address, person, production)).toBe(false);
    expect(mayConnect(named(), address, person, development)).toBe(false);
  });
  test.each(rows(NEARBY))('may mean %s if the operator lists the name: %s', (_kind, address) => {
    expect(mayConnect(named('JG.example.cn.'), address, listing('jg.example.cn'), production)).toBe(true);
    expect(mayConnect(named(), address, listing('other.example.cn', 'example.cn'), production)).toBe(false);
  });
  test.each(rows(NOWHERE))('must not mean %s even if the operator lists the name: %s', (_kind, address) => {
    expect(mayConnect(named(), address, listing('jg.example.cn', '169.254.0.0/16'), production)).toBe(false);
  });
  test("must not mean this machine's own public address", () => {
    const ownAddresses = ['8.8.8.8', 'fe80::1%eth0'];
    expect(mayConnect(named(), '8.8.8.8', person, { isProduction: true, ownAddresses })).toBe(false);
    expect(mayConnect(named('8.8.8.8'), '8.8.8.8', person, { isProduction: false, ownAddresses })).toBe(false);
    expect(mayConnect(named(), '8.8.8.8', OPERATOR, { isProduction: true, ownAddresses })).toBe(true);
  });
});

describe('what the operator lists', () => {
  test.each([
    ['10.3.0.9', '10.3.0.9', '10.3.0.9', true],
    ['a network', '10.3.0.0/16', '10.3.7.7', true],
    ['another network', '10.3.0.0/16', '10.4.0.1', false],
    ['a network of IPv6', 'fd12::/16', 'fd12::1', true],
    ['a network of the other family', '::/0', '10.3.7.7', false],
    ['an address in brackets', '[fd12::1]', 'fd12:0::1', true],
    ['a mapped address', '::ffff:10.0.0.1', '10.0.0.1', true],
  ])('is %s', (_, entry, address, expected) => {
    expect(mayConnect(named(), address, listing(entry), production)).toBe(expected);
  });
  test('may be a metadata address, by itself only', () => {
    const reach = listing('169.254.169.254');
    expect(mayConnect(named('169.254.169.254'), '169.254.169.254', reach, production)).toBe(true);
    expect(mayConnect(named(), '169.254.169.254', reach, production)).toBe(false);
  });
  test('needs TLS', () => {
    expect(mayConnect(named('jg.example.cn', 'http:'), '10.0.0.1', listing('jg.example.cn'), development)).toBe(false);
    expect(mayConnect(named('127.0.0.1', 'http:'), '127.0.0.1', listing('127.0.0.1'), production)).toBe(false);
  });
});

describe('a host that stands in the environment', () => {
  test.each([...rows(NEARBY), ...PUBLIC.map((address) => ['public', address] as const)])('is %s: %s', (_, address) => {
    expect(mayConnect(named(), address, OPERATOR, production)).toBe(true);
  });
  test.each(rows(NOWHERE))('is not %s, unless it is that address: %s', (_, address) => {
    expect(mayConnect(named(), address, OPERATOR, production)).toBe(false);
  });
  test('is a link-local address by itself', () => {
    expect(mayConnect(named('169.254.7.7'), '169.254.7.7', OPERATOR, production)).toBe(true);
  });
  test.each(['http:', 'tcp:'])('needs TLS in production unless it is this machine: %s', (protocol) => {
    const ownAddresses = ['10.0.0.5'];
    expect(mayConnect(named('seals', protocol), '10.0.0.9', OPERATOR, development)).toBe(true);
    expect(mayConnect(named('seals', protocol), '10.0.0.9', OPERATOR, production)).toBe(false);
    expect(mayConnect(named('seals', protocol), '8.8.8.8', OPERATOR, production)).toBe(false);
    expect(mayConnect(named('seals', protocol), '127.0.0.1', OPERATOR, production)).toBe(true);
    expect(mayConnect(named('seals', protocol), '10.0.0.5', OPERATOR, { isProduction: true, ownAddresses })).toBe(true);
  });
  test.each(['ftp:', 'file:', 'ws:', 'unix:', ''])('is not reached by %s', (protocol) => {
    expect(mayConnect(named('seals', protocol), '127.0.0.1', OPERATOR, development)).toBe(false);
  });
});

describe('a URL that a person enters', () => {
  /** `URL` writes each of these spellings in full. */
  const LOOPBACK = ['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '０x７f.1', '127.0.0.1.', '[::1]'];
  test.each([...LOOPBACK, 'localhost', 'LOCALHOST.', 'x.localhost'])(
    'in development http://%s is this machine',
    (host) => {
      expect(findUrlProblem(`http://${host}/x`, person, development)).toBeNull();
      expect(findUrlProblem(`http://${host}/x`, person, production)).toMatch(/内部网络/);
      expect(findUrlProblem(`https://${host}/x`, person, production)).toMatch(/内部网络/);
    },
  );
  test.each([
    '10.0.0.1',
    '0xa.1',
    '167772161',
    '012.0.0.1',
    '0.0.0.0',
    '0',
    '169.254.169.254',
    '[::]',
    '[::ffff:10.0.0.1]',
    '[fd00:ec2::254]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a00:1::]',
  ])('https://%s is inside', (host) => {
    expect(findUrlProblem(`https://${host}/`, person, development)).toMatch(/内部网络/);
    expect(findUrlProblem(`https://${host}/`, person, production)).toMatch(/内部网络/);
  });
  test.each([
    ['https://jg.example.cn/x', null],
    ['https://8.8.8.8/x', null],
    ['http://jg.example.cn/x', /须为 https/],
    ['http://8.8.8.8/x', /须为 https/],
    ['ftp://jg.example.cn/x', /须为 https/],
    ['javascript:alert(1)', /完整的网址/],
    ['file:///etc/passwd', /完整的网址/],
    ['https://user@jg.example.cn/', /完整的网址/],
    ['https://:pw@jg.example.cn/', /完整的网址/],
    ['https://jg.example.cn/#x', /完整的网址/],
    ['https://[fe80::1%25eth0]/', /完整的网址/],
    ['https://1.2.3.4.5/', /完整的网址/],
    ['//jg.example.cn/', /完整的网址/],
    ['', /完整的网址/],
  ])('%s', (url, problem) => {
    const found = findUrlProblem(url, person, production);
    if (problem === null) expect(found).toBeNull();
    else expect(found).toMatch(problem);
  });
  test('may be inside if the operator lists it', () => {
    expect(findUrlProblem('https://10.3.0.9/x', listing('10.3.0.0/16'), production)).toBeNull();
    expect(findUrlProblem('http://10.3.0.9/x', listing('10.3.0.0/16'), production)).toMatch(/须为 https/);
  });
});
