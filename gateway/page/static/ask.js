/** Requests a verification from the hub. Sends only a digest, a code, or, after a click, a file. */

/** @typedef {{ digest: string } | { code: string } | { document: string, signature: string | null }} Asked */
/** @typedef {{ act: string, version: number, state: string, at: string }} LifeEvent */
/**
 * @typedef {{
 *   identifier: string, number: string, version: number, name: string, holderName: string, issuerName: string,
 *   issuedOn: string, validFrom: string, validUntil: string | null, sealName: string, documentDigest: string | null,
 *   supersededBy: string | null, life: LifeEvent[],
 * }} License
 */
/**
 * @typedef {{
 *   verdict: string, subIndication: string | null,
 *   steps: { name: string, passed: boolean | null, detail: string }[],
 *   provenAt: string | null, claimedAt: string | null,
 *   signer: { name: string, organisation: string } | null,
 *   status: { state: string | null, asOf: string | null, source: string | null, reason: string | null },
 *   license: License | null, evidence: string | null,
 * }} Verification
 */

const QUERY = `query Verify($input: VerifyLicenseInput!) {
  verifyLicense(input: $input) {
    verdict subIndication steps { name passed detail } provenAt claimedAt signer { name organisation }
    status { state asOf source reason } evidence
    license {
      identifier number version name holderName issuerName issuedOn validFrom validUntil sealName documentDigest supersededBy
      life { act version state at }
    }
  }
}`;
const TIMEOUT_MS = 60_000;

/** Thrown if there is no answer. The message is from the hub, or empty if the hub was not reached. */
export class AskError extends Error {}

/**
 * Throws AskError with the hub's message, or with an empty message if the hub was not reached.
 * @param {Asked} input
 * @returns {Promise<Verification>}
 */
export async function ask(input) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: QUERY, variables: { input } }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  const verification = answer?.data?.verifyLicense;
  if (!verification) throw new AskError(answer?.errors?.[0]?.message ?? '');
  return verification;
}
