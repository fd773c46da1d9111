import { STAFF_ROLES } from '../kernel/actor.ts';
import { ADMINISTRATION, type Place, type Policy, type ReadPolicy } from '../kernel/policy.ts';
import { Refusal } from '../kernel/refusal.ts';
import { findAnsweringOrgan, type TaskStatus } from './task/task.ts';

/** Who may change the lists, the guides and the progress of the plan's tasks. */

/** The organs that lead a task or are responsible for it. */
const ASSIGNED_ORGAN: Place<TaskStatus> = {
  name: 'ASSIGNED_ORGAN',
  includes: ({ task }, person) => findAnsweringOrgan(task, person) !== null,
  refuse: () => new Refusal('TASK_NOT_OF_ORGAN', 'task'),
};

interface MatterSubjects {
  importDelegations: unknown;
  importGuide: unknown;
  importGuideOverlay: unknown;
  importLicenseType: unknown;
  importOrgans: unknown;
  reportTaskProgress: TaskStatus;
}

export const MATTERS_POLICY: Policy<MatterSubjects> = {
  importDelegations: ADMINISTRATION,
  importGuide: ADMINISTRATION,
  importGuideOverlay: ADMINISTRATION,
  importLicenseType: ADMINISTRATION,
  importOrgans: ADMINISTRATION,
  reportTaskProgress: { grants: [{ roles: ['REVIEWER', 'APPROVER', 'ADMINISTRATOR'], place: ASSIGNED_ORGAN }] },
};

/** Who reads what. Everything else of matters is public. */
export const MATTER_READS = {
  /** Imports that wait for a second person, or had one. */
  importProposals: { everything: ['ADMINISTRATOR', 'AUDITOR'], ownOrgan: STAFF_ROLES },
  delegationImports: { everything: ['ADMINISTRATOR', 'AUDITOR'], ownOrgan: [] },
} as const satisfies ReadPolicy;
