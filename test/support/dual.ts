/** What no person does to a seal alone: its keeper applies, its seal approver approves. */

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever shape its own query asked for
type Ask = (person: string, query: string, variables: Record<string, unknown>) => Promise<{ data: any }>;

const TYPES: Record<string, string> = {
  applyForSeal: 'SealMakingInput',
  applyForSealGrant: 'SealGrantInput',
  applyForSealGrantWithdrawal: 'SealGrantWithdrawalInput',
  applyForSealEnd: 'SealEndInput',
  applyForSealRotation: 'SealActInput',
  enterSealCertificate: 'SealCertificateInput',
};
const FIELDS = `application { id kind state seal { id } matters { id } appliedBy endedBy decision }
  seal { id state filingNumber matters { id } grants { id matter { id } person from to } }
  refusal { code message field }`;

export interface Handled {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it needs
  application: any;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it needs
  seal: any;
  refusal: { code: string; field: string | null } | null;
}

/** One mutation on applications. */
export async function applied(ask: Ask, person: string, name: string, input: object): Promise<Handled> {
  const query = `mutation($input: ${TYPES[name]}!) { ${name}(input: $input) { ${FIELDS} } }`;
  return (await ask(person, query, { input })).data?.[name];
}

export async function decided(ask: Ask, person: string, input: object): Promise<Handled> {
  const query = `mutation($input: SealDecisionInput!) { decideSealApplication(input: $input) { ${FIELDS} } }`;
  return (await ask(person, query, { input })).data?.decideSealApplication;
}

/** Applied for by the keeper of an organ and approved by its seal approver; the answer of whichever step refused, else of the second. */
export async function together(ask: Ask, organ: string, name: string, input: object): Promise<Handled> {
  const first = await applied(ask, `${organ}.keeper`, name, { reason: '示范', ...input });
  if (first.refusal) return first;
  return decided(ask, `${organ}.sealapprover`, { application: first.application.id, approve: true });
}
