/** Seal applications need two persons: the seal keeper applies and the seal approver decides. */

// biome-ignore lint/suspicious/noExplicitAny: the shape of the answer depends on the test's query
type Ask = (person: string, query: string, variables: Record<string, unknown>) => Promise<{ data: any }>;

const INPUT_TYPES: Record<string, string> = {
  applyForSeal: 'SealMakingInput',
  applyForSealGrant: 'SealGrantInput',
  applyForSealGrantWithdrawal: 'SealGrantWithdrawalInput',
  applyForSealEnd: 'SealEndInput',
  applyForSealRotation: 'SealActInput',
  applyForSealResumption: 'SealActInput',
  enterSealCertificate: 'SealCertificateInput',
  applyForSealPicture: 'SealPictureInput',
};
const APPLICATION_FIELDS = `application { id: uuid kind state seal { id: code } matters { id } appliedBy endedBy decision }
  seal { id: code state picture filingNumber matters { id } grants { id: uuid matter { id } person from to } }
  refusal { code message field }`;

export interface ApplicationResult {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads only some fields
  application: any;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads only some fields
  seal: any;
  refusal: { code: string; field: string | null } | null;
}

/** Runs one mutation on seal applications. */
export async function submitApplication(
  ask: Ask,
  person: string,
  name: string,
  input: object,
): Promise<ApplicationResult> {
  const query = `mutation($input: ${INPUT_TYPES[name]}!) { ${name}(input: $input) { ${APPLICATION_FIELDS} } }`;
  return (await ask(person, query, { input })).data?.[name];
}

export async function decideApplication(ask: Ask, person: string, input: object): Promise<ApplicationResult> {
  const query = `mutation($input: SealDecisionInput!) { decideSealApplication(input: $input) { ${APPLICATION_FIELDS} } }`;
  return (await ask(person, query, { input })).data?.decideSealApplication;
}

/** Applies as an organ's keeper and approves as its seal approver. Returns the first refusal, else the approval. */
export async function applyAndApprove(
  ask: Ask,
  organ: string,
  name: string,
  input: object,
): Promise<ApplicationResult> {
  const submission = await submitApplication(ask, `${organ}.keeper`, name, { reason: '示范', ...input });
  if (submission.refusal) return submission;
  return decideApplication(ask, `${organ}.sealapprover`, { application: submission.application.id, approve: true });
}
