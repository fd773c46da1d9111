import { type GraphQLObjectType, type GraphQLSchema, getNamedType, isObjectType, isScalarType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { CASE_OUTPUTS } from '../../subgraphs/cases/reading/outputs.ts';
import { type Actor, PUBLIC, ROLES, type Role } from '../../subgraphs/kernel/actor.ts';
import { protectOutputs } from '../../subgraphs/kernel/privacy/output.ts';
import { ANONYMOUS, type OutputRules } from '../../subgraphs/kernel/privacy/output-rules.ts';
import { LICENSE_OUTPUTS } from '../../subgraphs/licenses/reading/outputs.ts';
import { MATTER_OUTPUTS } from '../../subgraphs/matters/outputs.ts';
import { SEAL_OUTPUTS } from '../../subgraphs/seals/outputs.ts';
import { buildSubgraphSchema } from '../support/subgraph-schema.ts';

/** No field answers a name of staff to somebody who works for no office. */

const OUTPUTS: Readonly<Record<string, OutputRules>> = {
  ...{ matters: MATTER_OUTPUTS, cases: CASE_OUTPUTS, licenses: LICENSE_OUTPUTS, seals: SEAL_OUTPUTS },
};
/** The end of a name of a field that is a person. */
const PERSON = /(?:By|ById|actor|actorId|reader|readerId|person|personId|clerk|handler|signer|remark|by)$/;
/** Of the same form, and no person of an office. */
const OTHERS: readonly string[] = [
  'Case.acceptedBy',
  'ApprovalPush.decidedBy',
  'SupervisionFinding.decidedBy',
  'LicenseStatus.supersededBy',
  // The caller's own.
  'Viewer.personId',
  // The signer stands on the license.
  'LicenseVerification.signer',
  // Another authority, which stands on its license.
  'FileSignature.signer',
  // A dimension of a table.
  'LicenseStatisticsPart.by',
];
/** What the description of a field says if it names a person. */
const DESCRIBED = /\b(?:person|administrator|clerk|reviewer|approver|supervisor)\b/i;

function listFields(schema: GraphQLSchema) {
  const types = Object.values(schema.getTypeMap()).filter(
    (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('__'),
  );
  return types.flatMap((type) =>
    Object.values(type.getFields()).map((field) => ({ coordinate: `${type.name}.${field.name}`, field })),
  );
}

describe.each(Object.keys(OUTPUTS))('%s', (name) => {
  const schema = buildSubgraphSchema(name);
  const rules = OUTPUTS[name] as OutputRules;
  const roots = ['Query', 'Mutation'];

  test('every field that names a person has a row', () => {
    const persons = listFields(schema).filter(
      ({ coordinate, field }) => PERSON.test(field.name) && !roots.includes(coordinate.split('.')[0] ?? ''),
    );
    const without = persons.map(({ coordinate }) => coordinate).filter((one) => !rules.staff?.[one]);
    expect(without.filter((one) => !OTHERS.includes(one))).toEqual([]);
  });

  test('so has every text whose description speaks of a person', () => {
    const texts = listFields(schema).filter(({ coordinate, field }) => {
      const isText = ['String', 'ID'].includes(getNamedType(field.type).name) && isScalarType(getNamedType(field.type));
      return isText && DESCRIBED.test(field.description ?? '') && !roots.includes(coordinate.split('.')[0] ?? '');
    });
    const without = texts.map(({ coordinate }) => coordinate).filter((one) => !rules.staff?.[one]);
    expect(without).toEqual(SPOKEN_OF[name] ?? []);
  });

  test.each([...ROLES, null])('a name is for offices only: %s', (role) => {
    const guarded = protectOutputs(buildSubgraphSchema(name), rules);
    for (const { coordinate, field } of listFields(guarded)) {
      if (!rules.staff?.[coordinate]) continue;
      const answer = field.resolve?.({ [field.name]: '刘春兰', organ: { id: 'x' } }, {}, { actor: actorOf(role) }, {
        fieldName: field.name,
      } as never);
      const isShown = role !== null && !['APPLICANT', 'LIBRARY'].includes(role);
      expect([coordinate, answer]).toEqual([coordinate, isShown ? '刘春兰' : expect.toSatisfy(isHidden)]);
    }
  });
});

/** Texts about a person that are no name. */
const SPOKEN_OF: Readonly<Record<string, readonly string[]>> = {
  cases: [
    ...['SignatureRequest.text', 'Viewer.personId', 'Viewer.window', 'Viewer.holderCode', 'Appointment.issuer'],
    ...['Appointment.window', 'ProposalPayload.secret', 'SupervisionReceipt.note', 'SupervisionFinding.answer'],
  ],
  licenses: ['LicenseAct.order', 'LicenseStatus.holderName', 'LicenseProposal.order', 'SignatureRequest.text'],
  seals: ['Seal.certificateRequest'],
};

const isHidden = (answer: unknown): boolean => answer === null || answer === ANONYMOUS;

function actorOf(role: Role | null): Actor {
  if (role === null) return PUBLIC;
  return { kind: 'person', id: 'x', name: '某人', roles: [role], organ: null, window: null, holderCode: null };
}
