import * as kinds from '../kinds.ts';

const optional = {} as const;
const NONE = { default: '' } as const;
const MODE = { default: 'development' } as const;

/** Environment variables for the networks around the hub: proxies in front of it, and whom it may call. */
export const OUTGOING = {
  WEBHOOK_PRIVATE_HOSTS: {
    kind: kinds.hosts,
    about: "Names, addresses and networks (CIDR) outside the public network that a supervisor's webhook may reach.",
    uses: { start: NONE, cases: NONE },
  },
  TRUSTED_PROXIES: {
    kind: kinds.networks,
    about:
      'Proxies in front. Behind them a caller has the address of X-Forwarded-For. Empty: nobody is believed, and the proxy itself is the caller.',
    uses: { start: NONE, gateway: NONE },
  },
  PLATFORM_PRIVATE_HOSTS: {
    kind: kinds.hosts,
    about: 'Names, addresses and networks (CIDR) outside the public network that an approval platform may be at.',
    uses: { start: NONE, cases: NONE },
  },
  NODE_EXTRA_CA_CERTS: {
    kind: kinds.trustedFile,
    about: 'PEM file of further authorities whose TLS certificates outgoing calls take. Node itself reads it.',
    uses: {
      ...{ start: optional, gateway: optional, matters: optional, cases: optional, licenses: optional },
      ...{ seals: optional, library: optional, platform: optional, supervisor: optional },
      ...{ import: optional, export: optional, audit: optional, resume: optional, people: optional },
    },
  },
  NODE_ENV: {
    kind: kinds.mode,
    about:
      '`production` wherever real cases are handled; `OIDC_ISSUER` means the same. Then there are no demo tokens, people, agreements and blanks, outgoing calls need TLS unless they stay on this machine, no webhook or platform is on this machine, and pages of other origins need `ALLOWED_ORIGINS`.',
    uses: {
      ...{ start: MODE, gateway: MODE, matters: MODE, cases: MODE, licenses: MODE, seals: MODE, signer: MODE },
      ...{ library: MODE, platform: MODE, supervisor: MODE, witness: MODE, demo: MODE, token: MODE },
      ...{ import: MODE, export: MODE, audit: MODE, rotate: MODE, resume: MODE, bench: MODE },
      ...{ people: MODE, administrators: MODE },
    },
  },
} as const;
