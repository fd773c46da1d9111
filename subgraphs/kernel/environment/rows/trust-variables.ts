import * as kinds from '../kinds.ts';

const optional = {} as const;
const withLibrary = { with: 'LIBRARY_URL' } as const;

/** Environment variables about seals, the transparency log and the connected city library, as the hub sees them. */
export const TRUST = {
  SEAL_AUTHORITIES: {
    kind: kinds.trustedFile,
    about: 'PEM file of authorities outside the hub whose seal certificates are accepted. Empty: none.',
    uses: { start: optional, seals: optional },
  },
  SIGNATURE_AUTHORITIES: {
    kind: kinds.trustedFile,
    about:
      'PEM file of authorities whose signatures on uploaded files, licenses of other authorities, are trusted. Empty: none.',
    uses: { start: optional, cases: optional },
  },
  LOG_FOLDER: {
    kind: kinds.publicPath,
    about: 'Folder in which the files of the transparency log are published. Empty: by another copy.',
    uses: { seals: optional },
  },
  VERIFIER_FILE: {
    kind: kinds.publicPath,
    about:
      'The offline verifier that is handed out at `/log/verify.mjs`, as `npm run verifier` writes it. Empty: none.',
    uses: { seals: optional },
  },
  LOG_ORIGIN: {
    kind: kinds.text,
    about: 'Name of the transparency log. Fixed with the first start.',
    uses: { start: optional, seals: optional },
  },
  LOG_WITNESSES: {
    kind: kinds.text,
    about: 'Witnesses that sign checkpoints: `key url`, separated by commas.',
    uses: { start: optional, resume: optional, seals: optional },
  },
  LIBRARY_URL: {
    kind: kinds.httpUrl,
    about:
      'The city library that collects every change of a license. Empty: none is connected; start: the reference library. resume: the one to ask for what the database has lost.',
    uses: { start: optional, licenses: optional, resume: optional },
  },
  LIBRARY_CLIENT_ID: {
    kind: kinds.text,
    about: "The hub's name at the city library.",
    uses: { start: withLibrary, licenses: withLibrary, library: optional },
  },
  LIBRARY_CLIENT_SECRET: {
    kind: kinds.secretText,
    isSecret: true,
    about: "The hub's secret at the city library.",
    uses: { start: withLibrary, licenses: withLibrary, library: optional },
  },
  LIBRARY_RECEIPT_KEY: {
    kind: kinds.text,
    about: 'Public key (JWK or PEM) of the library for its receipts. Without it receipts count as unsigned.',
    uses: { start: optional, licenses: optional },
  },
  LIBRARY_ID: {
    kind: kinds.text,
    about: "The library's name in its receipts.",
    uses: { start: optional, licenses: optional },
  },
} as const;
