import type { Person } from '../../kernel/actor.ts';
import { findOfficeScope, findReadScope, type OfficeScope } from '../../kernel/policy.ts';
import { LICENSE_READS } from '../policy.ts';
import { type Measure, rowOf } from './measure.ts';

/** Returns whose records a person counts by a measure, or null if there are none: those that its list shows. */
export function findScope(measure: Measure, person: Person): OfficeScope | null {
  const { reads } = rowOf(measure);
  if (reads === 'licenseStatistics') return findOfficeScope(LICENSE_READS[reads], person);
  const scope = findReadScope(LICENSE_READS[reads], person);
  if (scope === null) return null;
  return scope.organs === null ? { all: true } : { all: false, organs: scope.organs, window: null };
}
