import type { Act, ValidityState } from '../../kernel/license-acts.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import type { ActOutline } from '../act/act-store.ts';
import type { SheetState } from '../paper/paper.ts';
import type { SheetOnDay } from '../paper/store.ts';

/** The result that an act would have. Nothing of it is stored. */
export interface Rehearsal {
  act: Act | 'SPOIL' | 'DELIVER' | 'RECALL';
  identifier: string;
  number: string;
  version: number;
  state: ValidityState;
  blankNumber: string | null;
  paper: SheetState | null;
}

/** `outline` is of an act that a person asked for. */
export function toActRehearsal(outline: ActOutline): Rehearsal {
  const { act: prepared, identifier, number, version, stateAfter, blankNumber } = outline;
  const act = prepared as Act | 'SPOIL';
  return {
    act,
    identifier,
    number: printedNumber(number),
    version,
    state: stateAfter,
    blankNumber,
    paper: blankNumber === null ? null : 'PRINTED',
  };
}

export function toSheetRehearsal({
  identifier,
  number: key,
  version,
  validity,
  blankNumber,
  state,
}: SheetOnDay): Rehearsal {
  const act = state === 'DELIVERED' ? 'DELIVER' : 'RECALL';
  const number = printedNumber(key);
  return { act, identifier, number, version, state: validity, blankNumber, paper: state };
}
