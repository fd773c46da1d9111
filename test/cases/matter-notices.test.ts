import { describe, expect, test } from 'vitest';
import { composeNotice, NOTICE_KINDS, type NoticeCase } from '../../subgraphs/cases/notice/notice.ts';
import { renderNotice, requirePrintableNotice } from '../../subgraphs/cases/notice/render.ts';
import { delegationOn, issuerOf } from '../../subgraphs/kernel/period/delegation.ts';
import { matterFacts } from '../support/matters.ts';
import { buildNoticeCase } from '../support/notice.ts';

/** Every notice of every matter of the plan can be printed: names of several lines too. */

const DAY = '2026-11-22';
const AT = new Date(`${DAY}T04:00:00Z`);
/** Matters whose notices are rendered: those with a name of several lines and every 20th. FULL=1 renders all. */
const rendered = matterFacts.filter(
  ({ name }, i) => process.env.FULL === '1' || name.includes('\n') || name.includes('\t') || i % 20 === 0,
);

const noticesOf = (matter: (typeof matterFacts)[number]) =>
  NOTICE_KINDS.flatMap((kind) => {
    const subject: NoticeCase = { ...buildNoticeCase(), matter, delegation: delegationOn(matter, DAY) };
    const organ = issuerOf(subject as never);
    const findings = kind === 'DECISION' ? ['GRANTED', 'REJECTED'] : [null];
    return findings.map((finding) =>
      composeNotice(
        kind,
        subject,
        { at: AT, note: '理由一\n理由二', finding },
        { organ, number: '1' },
        { missing: [{ name: '申请表', remark: null }] },
      ),
    );
  });

describe('the notices of the 108 matters', () => {
  test('one matter has a name of several lines', () => {
    expect(matterFacts).toHaveLength(108);
    expect(matterFacts.filter(({ name }) => name.includes('\n')).map(({ matterId }) => matterId)).toEqual([
      'yd2022-3-40',
    ]);
  });

  test.each(matterFacts.map((matter) => [matter.matterId, matter] as const))('%s can be printed', (_id, matter) => {
    for (const notice of noticesOf(matter)) expect(() => requirePrintableNotice(notice)).not.toThrow();
  });

  test.each(rendered.map((matter) => [matter.matterId, matter] as const))('%s is printed', (_id, matter) => {
    for (const notice of noticesOf(matter)) expect(renderNotice(notice).length).toBeGreaterThan(10_000);
  });
});
