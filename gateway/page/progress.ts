import { escapeHtml, type Lang, renderFacts, renderPage, type Words } from './frame.ts';
import type { Label, Labels } from './labels.ts';

/**
 * The page on which anybody with a receipt follows a case. It works without scripts.
 * One reads the link of the receipt's QR code.
 */

/** The data of the page: `CaseProgress` of the schema. */
export interface CaseProgress {
  number: string;
  matterName: string;
  step: string;
  nextStep: string | null;
  isApplicantsTurn: boolean;
  waitsFor: readonly string[];
  supplementUntil: string | null;
  pause: string | null;
  receivedOn: string;
  clockState: string;
  dueOn: string | null;
  limitDays: number | null;
  remainingDays: number | null;
  decision: string | null;
  decidedOn: string | null;
  result: string | null;
}

/** What somebody has typed into the fields. */
export interface TypedReceipt {
  number: string;
  code: string;
}

const TEXT = {
  title: { zh: '办理进度查询', en: 'Progress of a case' },
  what: {
    zh: '办件编号和查询码印在受理通知书或一次性告知书上。',
    en: 'Case number and code are printed on the notice of acceptance, or on the list of what is missing.',
  },
  number: { zh: '办件编号', en: 'Case number' },
  code: { zh: '查询码', en: 'Code' },
  go: { zh: '查询', en: 'Look up' },
  unknown: {
    zh: '没有查到：办件编号或查询码不对，请照受理通知书核对。',
    en: 'Nothing found: the number or the code is wrong. Please compare them with the notice.',
  },
  tooMany: {
    zh: '查询码错误次数过多，请一分钟后再试。',
    en: 'Too many wrong codes. Please try again in a minute.',
  },
  matter: { zh: '事项', en: 'Matter' },
  step: { zh: '当前环节', en: 'Step' },
  next: { zh: '下一环节', en: 'Next' },
  turn: { zh: '待办', en: 'Whose turn' },
  applicant: { zh: '申请人：请补正材料', en: 'The applicant: something is missing' },
  supplementUntil: { zh: '补正期限', en: 'Bring it by' },
  pause: { zh: '特别程序（不计时）', en: 'Special procedure (the clock stands still)' },
  receivedOn: { zh: '收件日期', en: 'Received on' },
  clock: { zh: '计时', en: 'Clock' },
  dueOn: { zh: '应于此日前办结（含当日）', en: 'To be decided by' },
  limit: { zh: '时限（工作日）', en: 'Limit in working days' },
  remaining: { zh: '剩余工作日', en: 'Working days left' },
  decision: { zh: '决定', en: 'Decision' },
  decidedOn: { zh: '决定日期', en: 'Decided on' },
  result: { zh: '办结结果', en: 'Result' },
} as const satisfies Record<string, Words>;

/** Renders the fields, without an answer or with the reason why there is none. */
export function renderProgressForm(
  typed: TypedReceipt,
  problem: 'UNKNOWN' | 'RATE_LIMITED' | null,
  lang: Lang,
): string {
  const words = problem === null ? null : TEXT[problem === 'UNKNOWN' ? 'unknown' : 'tooMany'];
  const body = `<h1>${escapeHtml(TEXT.title[lang])}</h1>
${words ? `<p class="state bad" role="alert"><strong>${escapeHtml(words[lang])}</strong></p>` : ''}${renderFields(typed, lang)}`;
  return renderPage({ lang, path: '/progress', title: TEXT.title[lang], body, script: 'progress.js' });
}

/** Renders the progress of a case, with the answer first. */
export function renderProgressPage(progress: CaseProgress, labels: Labels, lang: Lang): string {
  const labelOf = (type: string, value: string | null): string | null =>
    value === null ? null : ((labels[type]?.[value] as Label | undefined)?.[lang] ?? value);
  const turn = progress.isApplicantsTurn ? TEXT.applicant[lang] : progress.waitsFor.join('、') || null;
  const lines: [Words, string | number | null][] = [
    [TEXT.decision, labelOf('Decision', progress.decision)],
    [TEXT.decidedOn, progress.decidedOn],
    [TEXT.result, labelOf('CaseResult', progress.result)],
    [TEXT.turn, turn],
    [TEXT.supplementUntil, progress.supplementUntil],
    [TEXT.next, labelOf('CaseStep', progress.nextStep)],
    [TEXT.clock, labelOf('ClockState', progress.clockState)],
    [TEXT.pause, labelOf('PauseKind', progress.pause)],
    [TEXT.dueOn, progress.dueOn],
    [TEXT.remaining, progress.remainingDays],
    [TEXT.limit, progress.limitDays],
    [TEXT.receivedOn, progress.receivedOn],
    [TEXT.matter, progress.matterName],
    [TEXT.number, progress.number],
  ];
  const facts = lines.flatMap(([label, value]): [string, string][] =>
    value === null ? [] : [[label[lang], String(value)]],
  );
  const body = `<h1>${escapeHtml(TEXT.title[lang])}</h1>
<p class="state hold"><strong>${escapeHtml(`${TEXT.step[lang]}：${labelOf('CaseStep', progress.step)}`)}</strong></p>
${renderFacts(facts)}
${renderFields({ number: progress.number, code: '' }, lang)}`;
  return renderPage({ lang, path: '/progress', title: TEXT.title[lang], body, script: 'progress.js' });
}

function renderFields({ number, code }: TypedReceipt, lang: Lang): string {
  const toHtml = (words: Words) => escapeHtml(words[lang]);
  return `<form method="post" action="/progress" class="card"><input type="hidden" name="lang" value="${lang}">
<label for="number">${toHtml(TEXT.number)}</label>
<input type="text" id="number" name="number" value="${escapeHtml(number)}" required maxlength="60" inputmode="numeric"
 spellcheck="false" autocapitalize="off" autocomplete="off" aria-describedby="receipt-what">
<label for="code">${toHtml(TEXT.code)}</label>
<input type="text" id="code" name="code" value="${escapeHtml(code)}" required maxlength="60"
 spellcheck="false" autocapitalize="characters" autocomplete="off" aria-describedby="receipt-what">
<p class="quiet" id="receipt-what">${toHtml(TEXT.what)}</p>
<p><button type="submit" class="primary">${toHtml(TEXT.go)}</button></p></form>`;
}
