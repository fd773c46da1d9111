import { type Person, ROLES } from '../../kernel/actor.ts';
import { ANYWHERE, type Place, type Policy } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';

/** Who may send and discard files. `attachMaterials` checks who may hand them in with a case. */

/** An upload as the policy sees it. Null if there is none. */
export type WaitingUpload = { uploaderId: string; attachedAt: Date | null } | null;

/** The person's own upload. For everybody else it does not exist. */
const OWN_UPLOAD: Place<WaitingUpload> = {
  name: 'OWN_UPLOAD',
  includes: (upload, { id }: Person) => upload !== null && upload.uploaderId === id,
  refuse: () => new Refusal('UPLOAD_UNKNOWN', 'upload'),
};

export const MATERIAL_POLICY: Policy<{ receiveUpload: null; discardUpload: WaitingUpload }> = {
  /** 上传材料, a route: applicants send their own files, window clerks those that they receive. */
  receiveUpload: { grants: [{ roles: ['APPLICANT', 'WINDOW_CLERK'], place: ANYWHERE }] },
  discardUpload: {
    grants: [{ roles: ROLES, place: OWN_UPLOAD }],
    state: (upload) => (upload?.attachedAt ? new Refusal('UPLOAD_UNKNOWN', 'upload') : null),
  },
};
