import * as kinds from '../kinds.ts';

const optional = {} as const;
const required = { required: true } as const;
const NONE = { default: '' } as const;
const withIssuer = { with: 'OIDC_ISSUER' } as const;
/** The edge: the gateway by itself, and the hub in one process. */
const atEdge = <const Use extends object>(use: Use) => ({ start: use, gateway: use }) as const;
const HOUR = { default: '3600' } as const;

/** Environment variables by which people sign in (docs/sign-in.md). */
export const SIGN_IN = {
  OIDC_ISSUER: {
    kind: kinds.issuer,
    about:
      'The OpenID Connect issuer of the people, exactly as it writes its own name. With it the hub is in production, and nobody else says who somebody is.',
    uses: { start: optional, gateway: { inProduction: true }, cases: optional },
  },
  OIDC_AUDIENCE: {
    kind: kinds.text,
    about: "The hub's name at the issuer. Each token has it among its audiences (`aud`).",
    uses: atEdge(withIssuer),
  },
  OIDC_TOKEN_KIND: {
    kind: kinds.tokenKind,
    about: '`access`: access tokens. `id`: ID tokens, only for an issuer whose access tokens are not JWT.',
    uses: atEdge({ default: 'access' }),
  },
  OIDC_CLIENTS: {
    kind: kinds.list,
    about:
      'Clients of the issuer through which people may come (`azp` or `client_id`), separated by commas. Empty: all. Their logout tokens end sessions.',
    uses: atEdge(NONE),
  },
  EXPLORER_CLIENT: {
    kind: kinds.text,
    about:
      'Public client of the issuer (code with PKCE, redirect to `/explorer`) by which people sign in on the explorer. Absent: they type a token.',
    uses: atEdge(optional),
  },
  OIDC_HOLDER_CLAIM: {
    kind: kinds.claimName,
    about:
      'Claim with the holder code that the issuer has verified, in the form of docs/holders.md. Whoever has one holds licenses under it. Absent: nobody.',
    uses: atEdge(optional),
  },
  OIDC_JWKS_URL: {
    kind: kinds.issuerKeys,
    about: "Address of the issuer's keys, if they are at another origin than the issuer.",
    uses: atEdge(optional),
  },
  OIDC_MAX_TOKEN_SECONDS: {
    kind: kinds.count,
    about: 'Longest life of a token. One that would live longer is refused.',
    uses: atEdge(HOUR),
  },
  OIDC_STALE_SECONDS: {
    kind: kinds.count,
    about: 'How long the keys of an issuer count that is away. After that nobody signs in.',
    uses: atEdge(HOUR),
  },
  DEVELOPMENT_SIGN_IN: {
    kind: kinds.developmentReach,
    about:
      'Who may sign in as a demo person at `/dev-issuer`, in development: people at this machine, everybody who reaches the hub (`network`), or nobody.',
    uses: { start: { default: 'local' } },
  },
  TOKEN_PRIVATE_KEY_FILE: {
    kind: kinds.secretFile,
    about:
      "File of the gateway's own private key (Ed25519, PEM), which signs people's tokens for the subgraphs. Nobody else has it.",
    uses: { gateway: withIssuer },
  },
  TOKEN_PUBLIC_KEY: {
    kind: kinds.publicKey,
    about:
      "Public half of the gateway's TOKEN_PRIVATE_KEY_FILE. Without an issuer, in development: of whoever signs people's tokens.",
    uses: {
      ...{ gateway: { unless: 'OIDC_ISSUER' }, matters: required, cases: required },
      ...{ licenses: required, seals: required },
    },
  },
  TOKEN: {
    kind: kinds.token,
    isSecret: true,
    refusesEmpty: true,
    about: "An administrator's token. Without it, in development, the demo administrator of DATA_FOLDER imports.",
    uses: { import: optional, people: optional },
  },
} as const;
