import type { Database } from '../../../db/client.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { displayNameOf } from '../../kernel/finding/matter-name.ts';
import { type Case, waitsFor } from '../case.ts';
import { placeOf } from '../notice/notice.ts';
import type { CaseProgress, Resolvers } from '../resolvers.gen.ts';
import type { ProgressLimits } from './limits.ts';
import { nextStepOf } from './progress.ts';
import { createProgressTries, type Progress, readProgress } from './workflow.ts';

/** The progress of a case for anybody who has its receipt. It names no person. */
export function progressResolvers({ intake, ...rest }: { db: Database; now: Clock; intake: ProgressLimits }) {
  const deps = { ...rest, tries: createProgressTries(intake) };
  return {
    Query: {
      caseProgress: async (_, { number, code }) => {
        const progress = await readProgress(deps, { number, code });
        return progress && viewProgress(progress);
      },
    },
  } satisfies Resolvers;
}

function viewProgress({ subject, clock }: Progress): CaseProgress {
  const decisionStep = subject.steps.find(({ step }) => step === 'DECIDED');
  const isApplicantsTurn = subject.step === 'SUPPLEMENT_ASKED';
  return {
    number: subject.number,
    matterName: displayNameOf(subject.matter),
    step: subject.step,
    receivedOn: dayOf(subject.steps[0]?.at ?? new Date(0)),
    nextStep: nextStepOf(subject),
    isApplicantsTurn,
    waitsFor: isApplicantsTurn ? [] : listWaiting(subject),
    supplementUntil: isApplicantsTurn
      ? (subject.steps.find((record) => record.data?.supplement)?.data?.supplement?.until ?? null)
      : null,
    pause: subject.paused?.data?.pause?.kind ?? null,
    clockState: clock.state,
    dueOn: clock.dueOn,
    limitDays: clock.limitDays,
    remainingDays: clock.remainingDays,
    decision: decisionStep?.finding === 'GRANTED' || decisionStep?.finding === 'REJECTED' ? decisionStep.finding : null,
    decidedOn: decisionStep ? dayOf(decisionStep.at) : null,
    result: subject.result,
  };
}

/** Returns the names of the organs, or of the window, whose turn it is. */
function listWaiting(subject: Case): string[] {
  const { organs, window } = waitsFor(subject);
  const ofMatter = subject.matter.organs;
  const ofWindow = ofMatter.find((organ) => organ.divisionCode === window);
  const windowName = ofWindow ? [`${placeOf(ofWindow) ?? ''}“市县同权”综合受理窗口`] : [];
  return [...windowName, ...organs.flatMap((id) => ofMatter.find((organ) => organ.id === id)?.name ?? [])];
}
