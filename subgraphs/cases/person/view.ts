import type { Person } from '../../kernel/actor.ts';
import { maskCode } from '../../kernel/identity/identity.ts';
import { type Appointment, isInForce } from './appointment.ts';
import type { StoredAppointment } from './store.ts';

const viewOrgan = (id: string | null) => (id === null ? null : { id });

/** The parent value of Appointment resolvers. @public by codegen.ts */
export type AppointmentView = ReturnType<typeof viewAppointment>;

/** The parent value of Viewer resolvers. @public by codegen.ts */
export type PersonView = ReturnType<typeof viewPerson>;

/** A line of the register as GraphQL shows it. */
export function viewAppointment({ from, to, organ, ...line }: StoredAppointment, now: Date) {
  return {
    ...{ ...line, organ: viewOrgan(organ), validFrom: from, validTo: to },
    inForce: isInForce({ from, to }, now),
  };
}

/** The caller as GraphQL shows it, with the line of the register by which the caller acts. */
export function viewPerson({ id, name, roles, organ, window, holderCode }: Person, line: Appointment | null) {
  return {
    ...{ id, personId: id, name, roles, organ: viewOrgan(organ), window },
    holderCode: holderCode === null ? null : maskCode(holderCode),
    validUntil: line?.to ?? null,
  };
}
