import { linesFor } from './content.ts';
import { type Route, runMutation } from './flow.ts';
import type { TestHub } from './hub.ts';
import { waitUntil } from './until.ts';

/** Steps of the dual push (双推送) and of supervision, for tests that start with a decided case, its push, or an order. */

export const PUSH_FIELDS = `id: uuid state level organ { id: code } decision decidedBy { id: code } dueOn missingYear reachedAt onTime overdue claimedBy
  receipts { event actor note } delivery { attempts lastError refused delivered } actions { name allowed refusal { code } }`;
export const FINDING_FIELDS = `id: uuid kind state text organ { id: code } decidedBy { id: code } licenseNumber answer dueOn overdue acknowledgedBy
  receipts { event actor note } case { id: uuid } push { id: uuid } actions { name allowed refusal { code } }`;

// biome-ignore lint/suspicious/noExplicitAny: a test reads only some fields
export type GraphqlNode = any;

/** Returns the pushes of a decided case, or null if the person may not see them. */
export async function listPushes(hub: TestHub, caseId: string, person = 'auditor'): Promise<GraphqlNode[] | null> {
  const query = `query($id: ID!) { case(id: $id) { pushes { ${PUSH_FIELDS} } } }`;
  const { data, errors } = await hub.ask(person, query, { id: caseId });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.case?.pushes ?? null;
}

export async function listFindings(hub: TestHub, caseId: string, person = 'auditor'): Promise<GraphqlNode[] | null> {
  const query = `query($id: ID!) { case(id: $id) { findings { ${FINDING_FIELDS} } } }`;
  const { data, errors } = await hub.ask(person, query, { id: caseId });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.case?.findings ?? null;
}

/** Waits until the cases subgraph knows the license that a case produced. */
export function waitForLicense(hub: TestHub, caseId: string): Promise<unknown> {
  return waitUntil('cases know the license', async () => {
    const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { result } }', { id: caseId });
    return data.case.result === 'ISSUED';
  });
}

/** Accepts, examines and decides a case without waiting for its consequences. Returns its id. */
export async function decideCase(hub: TestHub, route: Route, decision: 'GRANTED' | 'REJECTED'): Promise<string> {
  const applicant = { name: '于都县贡江示范药业有限公司', codeKind: 'USCC', code: '91000000MA0000001R' };
  const input = { matter: route.matter, applicant, fields: linesFor(route.matter) };
  const acceptance = await runMutation(
    hub,
    route.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id: uuid }',
  );
  if (!acceptance.case) throw new Error(JSON.stringify(acceptance));
  const { id } = acceptance.case;
  const steps = [
    [route.examines, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }],
    [route.forwards, 'forwardCase', 'CaseNoteInput', { case: id }],
    [
      route.decides,
      'decideCase',
      'DecideCaseInput',
      { case: id, decision, authoriseSeal: true, reason: decision === 'REJECTED' ? '不符合条件' : null },
    ],
  ] as const;
  for (const [person, name, type, step] of steps) {
    if (person === null) continue;
    const stepResult = await runMutation(hub, person, name, type, step, 'case { id: uuid }');
    if (!stepResult.case) throw new Error(`${name}: ${JSON.stringify(stepResult)}`);
  }
  return id;
}

/** Records a finding. Throws if the hub refuses. */
export async function recordFinding(hub: TestHub, person: string, input: object): Promise<GraphqlNode> {
  const result = await runMutation(
    hub,
    person,
    'recordFinding',
    'RecordFindingInput',
    input,
    `finding { ${FINDING_FIELDS} }`,
  );
  if (!result.finding) throw new Error(JSON.stringify(result));
  return result.finding;
}

/** Waits until an order has reached the licenses subgraph. Returns the order. */
export function waitForOrder(hub: TestHub, orderId: string): Promise<GraphqlNode> {
  return waitUntil('the order has come to licenses', () => findOrder(hub, orderId));
}

/** Returns an order if licenses know it. */
export async function findOrder(hub: TestHub, orderId: string): Promise<GraphqlNode | undefined> {
  const query = '{ supervisionOrders(first: 100) { edges { node { id: uuid act state answer answeredBy number } } } }';
  const { data } = await hub.ask('auditor', query);
  return data.supervisionOrders.edges
    .map((edge: GraphqlNode) => edge.node)
    .find((node: GraphqlNode) => node.id === orderId);
}
