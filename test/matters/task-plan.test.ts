import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { listReportingOrgans, readMatters, readOrgans, readTasks } from '../../seeds/load.ts';
import type { PrintedOrgan, Task, TaskDifference } from '../../subgraphs/matters/task/task.ts';

/**
 * Parses annex 4 and the eight measures of the body with an independent parser.
 * Compares them with the checked-in tasks.
 */

const text = readFileSync(new URL('../../seeds/yudu-2022-30.txt', import.meta.url), 'utf8');
const tasks = readTasks();
const COLUMNS = ['序号', '主要任务', '具体内容', '牵头单位', '责任单位', '完成时限'];

/** The cells of every printed row of annex 4 under its repeated heading. */
const rows = text
  .slice(text.search(/^附件 4$/m))
  .split(/\r?\n/)
  .map((line) => line.split('\t'))
  .filter((cells) => cells.length > 1 && cells[0] !== '序号');

interface Measure {
  title: string;
  /** Number, title and words, up to the bracket. */
  text: string;
  leads: string;
  responsible: string;
  deadline: string;
}

/** The measures of 三、主要措施 by number; a line break inside one is a page break. */
const measures = new Map<number, Measure>();
const chapter = text.slice(text.indexOf('三、主要措施'), text.indexOf('四、工作要求')).split(/\r?\n/).slice(1).join('');
for (const [, measureText = '', number, title = '', bracket = ''] of chapter.matchAll(
  /((\d)\.([^。]+)。[^〔]*)〔([^〕]*)〕/g,
)) {
  const part = (name: string) => new RegExp(`(?:^|；)${name}：([^；]*)`).exec(bracket)?.[1] ?? '';
  const named = { leads: part('牵头单位'), responsible: part('责任单位'), deadline: part('完成时限') };
  measures.set(Number(number), { title, text: measureText, ...named });
}

const names = (cell: string) => cell.replace(/等相关单位$/, '').match(/县[^、 ]+/g) ?? [];
const printed = (organs: readonly PrintedOrgan[]) => organs.map((entry) => entry.printed);
/** The last day of the month that a deadline prints, or null. */
function lastDay(deadline: string): string | null {
  const [, year, month] = /(\d{4}) ?年 ?(\d{1,2}) ?月/.exec(deadline) ?? [];
  return month === undefined ? null : new Date(Date.UTC(Number(year), Number(month), 0)).toISOString().slice(0, 10);
}
const measureOf = (task: Task) => {
  const measure = measures.get(task.measure);
  if (!measure) throw new Error(`no measure ${task.measure}`);
  return measure;
};
const differencesIn = (task: Task, field: TaskDifference['field']) =>
  task.differences.filter((entry) => entry.field === field);
/** Removes numbers and punctuation, because annex and body punctuate differently. */
const stripPunctuation = (passage: string) => passage.replace(/^\(\d+\) ?/, '').replace(/[\s，。；,;、：“”‘’]/g, '');

test('annex 4 prints twelve tasks under eight measures, and the body as many measures', () => {
  expect(rows).toHaveLength(12);
  expect([...measures.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(tasks.map((entry) => entry.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(tasks.map((entry) => entry.measure)).toEqual([1, 1, 2, 3, 4, 5, 6, 6, 7, 8, 8, 8]);
});

describe.each(tasks)('task $number', (task) => {
  const cells = rows[task.number - 1] ?? [];
  const [, name = '', content = '', leads = '', responsible = '', deadline = ''] = cells;

  test('equals annex 4 cell by cell', () => {
    expect(task.printed).toEqual(COLUMNS.map((column, i) => ({ column, text: cells[i] })));
    expect(content.startsWith(`(${task.number})`)).toBe(true);
    expect(task.content).toBe(content);
    expect(printed(task.leads)).toEqual(names(leads));
    expect(printed(task.responsible)).toEqual(names(responsible));
    expect(task.othersToo).toBe(responsible.endsWith('等相关单位'));
    expect(task.deadlinePrinted).toBe(deadline);
    expect(task.dueOn).toBe(lastDay(deadline));
    expect(task.recurring).toBe(deadline.includes('长期坚持'));
    const correction = task.corrections.find((entry) => entry.field === 'name');
    expect(correction ? [correction.printed, correction.corrected] : [name, name]).toEqual([name, task.name]);
    expect(task.corrections.length).toBe(name === task.name ? 0 : 1);
    expect(task.name).toBe(measureOf(task).title);
  });

  test('contains the text of the body', () => {
    const measure = measureOf(task);
    const { body } = task;
    expect(body).toMatchObject({ clause: `三.${task.measure}`, text: measure.text, deadlinePrinted: measure.deadline });
    expect(printed(body.leads)).toEqual(names(measure.leads));
    expect(printed(body.responsible)).toEqual(names(measure.responsible));
    expect(body.othersToo).toBe(measure.responsible.endsWith('等相关单位'));
    expect(body.dueOn).toBe(lastDay(measure.deadline));
    expect(body.recurring).toBe(measure.deadline.includes('长期坚持'));
  });

  test('flags deadline, organs and supervisor if and only if annex and body differ', () => {
    const { body } = task;
    const deadlineOf = (entry: Pick<Task, 'dueOn' | 'recurring'>) => [entry.dueOn, entry.recurring];
    expect(differencesIn(task, 'DEADLINE').length > 0).toBe(
      JSON.stringify(deadlineOf(task)) !== JSON.stringify(deadlineOf(body)),
    );
    for (const [field, list] of [
      ['LEADS', 'leads'],
      ['RESPONSIBLE', 'responsible'],
    ] as const) {
      const [annex, inBody] = [printed(task[list]), printed(body[list])];
      const fieldDifferences = differencesIn(task, field);
      const missing = inBody.filter((entry) => !annex.includes(entry));
      expect(fieldDifferences.length > 0, field).toBe(
        missing.length > 0 || annex.some((entry) => !inBody.includes(entry)),
      );
      const named = fieldDifferences.map((entry) => entry.body).join('、');
      for (const entry of missing) expect(named, field).toContain(entry);
    }
    const levels = [task.supervisorLevel, body.supervisorLevel];
    expect(differencesIn(task, 'SUPERVISOR_LEVEL').length > 0).toBe(levels[0] !== null && levels[0] !== levels[1]);
  });

  test('quotes differing words exactly', () => {
    const measure = measureOf(task);
    for (const { annex, body, sentence } of task.differences) {
      expect(sentence).toMatch(/。$/);
      expect(annex).not.toBe(body);
      if (annex !== '') expect(cells.join('\n')).toContain(annex);
      const bracket = [measure.leads, measure.responsible, measure.deadline].flatMap((part) => [part, ...names(part)]);
      for (const entry of body.split('、').length > 1 && names(body).length > 1 ? names(body) : [body]) {
        expect(
          [measure.text, ...bracket].some((passage) => passage.includes(entry)),
          entry,
        ).toBe(true);
      }
    }
    const isContained = stripPunctuation(measure.text).includes(stripPunctuation(task.content));
    const contentFlags = [...differencesIn(task, 'CONTENT'), ...differencesIn(task, 'SUPERVISOR_LEVEL')];
    if (!isContained) expect(contentFlags.length).toBeGreaterThan(0);
  });
});

test('a task flags what the body says beyond all tasks of a measure', () => {
  for (const [number, measure] of measures) {
    const ownTasks = tasks.filter((entry) => entry.measure === number);
    const rest = ownTasks.reduce(
      (left, entry) => left.replace(stripPunctuation(entry.content), ''),
      stripPunctuation(measure.text).slice('1.'.length),
    );
    const hasUncoveredText = rest.replace(stripPunctuation(measure.title), '') !== '';
    expect([number, ownTasks.some((entry) => differencesIn(entry, 'CONTENT').length > 0)]).toEqual([
      number,
      hasUncoveredText,
    ]);
  }
});

test('the tasks have exactly these differences', () => {
  const fields = tasks.map((entry) => [...new Set(entry.differences.map(({ field }) => field))]);
  const content = ['CONTENT'];
  expect(fields).toEqual([
    content,
    content,
    content,
    content,
    content,
    [],
    content,
    ['DEADLINE', 'SUPERVISOR_LEVEL', 'CONTENT'],
    content,
    ['DEADLINE', 'LEADS', 'RESPONSIBLE'],
    ['DEADLINE', 'LEADS', 'RESPONSIBLE', 'CONTENT'],
    ['RESPONSIBLE', 'CONTENT'],
  ]);
  expect(tasks.filter((entry) => entry.leads.length === 0).map((entry) => entry.number)).toEqual([5]);
  expect(tasks[4]?.body.leads).toEqual([]);
  expect(tasks[4]?.flags).toContainEqual(expect.stringContaining('未载牵头单位'));
  expect(tasks.filter((entry) => entry.recurring).map((entry) => [entry.number, entry.dueOn])).toEqual([
    [8, null],
    [9, '2022-05-31'],
  ]);
  expect(tasks.map((entry) => entry.supervisorLevel)).toEqual(
    tasks.map((entry) => (entry.number === 8 ? 'CITY' : null)),
  );
  expect(tasks.map((entry) => entry.body.supervisorLevel)).toEqual(
    tasks.map((entry) => (entry.measure === 6 ? 'COUNTY' : null)),
  );
});

test('every organ that annex 4 or the body names is known, and nothing is flagged of it', () => {
  const knownIds = new Set(readOrgans().map((entry) => entry.id));
  const named = tasks.flatMap(({ leads, responsible, body }) => [leads, responsible, body.leads, body.responsible]);
  const ids = named.flat().map(({ printed, organ }) => [printed, organ !== null && knownIds.has(organ)]);
  expect(ids.filter(([, isKnown]) => !isKnown)).toEqual([]);
  expect(tasks.flatMap(({ flags }) => flags).join('')).not.toContain('机关库');
});

test('only organs without a matter have neither seal nor blanks', () => {
  expect([...listReportingOrgans(tasks, readMatters())].sort()).toEqual([
    'yudu-bb',
    'yudu-czj',
    'yudu-gxj',
    'yudu-rsj',
  ]);
});
