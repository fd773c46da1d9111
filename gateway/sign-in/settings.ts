import type { Settings } from '../../subgraphs/kernel/environment/parse.ts';
import type { ExplorerSignIn } from '../page/explorer.ts';
import type { IssuerSettings } from './sign-in.ts';

type SignInSettings = Pick<
  Settings<'gateway'>,
  | 'OIDC_ISSUER'
  | 'OIDC_AUDIENCE'
  | 'OIDC_TOKEN_KIND'
  | 'OIDC_CLIENTS'
  | 'OIDC_HOLDER_CLAIM'
  | 'OIDC_JWKS_URL'
  | 'OIDC_MAX_TOKEN_SECONDS'
  | 'OIDC_STALE_SECONDS'
  | 'EXPLORER_CLIENT'
>;

/** Returns how people sign in on the explorer, or undefined if the environment does not say it. */
export function readExplorerSignIn(settings: SignInSettings): ExplorerSignIn | undefined {
  const { OIDC_ISSUER: issuer, EXPLORER_CLIENT: clientId } = settings;
  return issuer === undefined || clientId === undefined ? undefined : { issuer, clientId };
}

/** Returns the issuer that the environment names, or null if it names none. */
export function readIssuerSettings(settings: SignInSettings): IssuerSettings | null {
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience } = settings;
  if (issuer === undefined || audience === undefined) return null;
  return {
    issuer,
    audience,
    kind: settings.OIDC_TOKEN_KIND,
    clients: settings.OIDC_CLIENTS,
    holderClaim: settings.OIDC_HOLDER_CLAIM,
    jwksUrl: settings.OIDC_JWKS_URL,
    maxLifeSeconds: settings.OIDC_MAX_TOKEN_SECONDS,
    staleSeconds: settings.OIDC_STALE_SECONDS,
  };
}
