import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readOrgans, readTasks } from '../../seeds/load.ts';
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
for (const [, whole = '', number, title = '', bracket = ''] of chapter.matchAll(
  /((\d)\.([^。]+)。[^〔]*)〔([^〕]*)〕/g,
)) {
  const part = (name: string) => new RegExp(`(?:^|；)${name}：([^；]*)`).exec(bracket)?.[1] ?? '';
  const named = { leads: part('牵头单位'), responsible: part('责任单位'), deadline: part('完成时限') };
  measures.set(Number(number), { title, text: whole, ...named });
}

const names = (cell: string) => cell.replace(/等相关单位$/, '').match(/县[^、 ]+/g) ?? [];
const printed = (organs: readonly PrintedOrgan[]) => organs.map((one) => one.printed);
/** The last day of the month that a deadline prints, or null. */
function lastDay(deadline: string): string | null {
  const [, year, month] = /(\d{4}) ?年 ?(\d{1,2}) ?月/.exec(deadline) ?? [];
  return month === undefined ? null : new Date(Date.UTC(Number(year), Number(month), 0)).toISOString().slice(0, 10);
}
const measureOf = (task: Task) => {
  const found = measures.get(task.measure);
  if (!found) throw new Error(`no measure ${task.measure}`);
  return found;
};
const differing = (task: Task, field: TaskDifference['field']) => task.differences.filter((one) => one.field === field);
/** Removes numbers and punctuation, because annex and body punctuate differently. */
const words = (passage: string) => passage.replace(/^\(\d+\) ?/, '').replace(/[\s，。；,;、：“”‘’]/g, '');

test('annex 4 prints twelve tasks under eight measures, and the body as many measures', () => {
  expect(rows).toHaveLength(12);
  expect([...measures.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(tasks.map((one) => one.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(tasks.map((one) => one.measure)).toEqual([1, 1, 2, 3, 4, 5, 6, 6, 7, 8, 8, 8]);
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
    const corrected = task.corrections.find((one) => one.field === 'name');
    expect(corrected ? [corrected.printed, corrected.corrected] : [name, name]).toEqual([name, task.name]);
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
    const parts = (one: Pick<Task, 'dueOn' | 'recurring'>) => [one.dueOn, one.recurring];
    expect(differing(task, 'DEADLINE').length > 0).toBe(JSON.stringify(parts(task)) !== JSON.stringify(parts(body)));
    for (const [field, list] of [
      ['LEADS', 'leads'],
      ['RESPONSIBLE', 'responsible'],
    ] as const) {
      const [annex, inBody] = [printed(task[list]), printed(body[list])];
      const found = differing(task, field);
      const missing = inBody.filter((one) => !annex.includes(one));
      expect(found.length > 0, field).toBe(missing.length > 0 || annex.some((one) => !inBody.includes(one)));
      const named = found.map((one) => one.body).join('、');
      for (const one of missing) expect(named, field).toContain(one);
    }
    const levels = [task.supervisorLevel, body.supervisorLevel];
    expect(differing(task, 'SUPERVISOR_LEVEL').length > 0).toBe(levels[0] !== null && levels[0] !== levels[1]);
  });

  test('quotes differing words exactly', () => {
    const measure = measureOf(task);
    for (const { annex, body, sentence } of task.differences) {
      expect(sentence).toMatch(/。$/);
      expect(annex).not.toBe(body);
      if (annex !== '') expect(cells.join('\n')).toContain(annex);
      const bracket = [measure.leads, measure.responsible, measure.deadline].flatMap((part) => [part, ...names(part)]);
      for (const one of body.split('、').length > 1 && names(body).length > 1 ? names(body) : [body]) {
        expect(
          [measure.text, ...bracket].some((passage) => passage.includes(one)),
          one,
        ).toBe(true);
      }
    }
    const contained = words(measure.text).includes(words(task.content));
    const said = [...differing(task, 'CONTENT'), ...differing(task, 'SUPERVISOR_LEVEL')];
    if (!contained) expect(said.length).toBeGreaterThan(0);
  });
});

test('a task flags what the body says beyond all tasks of a measure', () => {
  for (const [number, measure] of measures) {
    const own = tasks.filter((one) => one.measure === number);
    const rest = own.reduce(
      (left, one) => left.replace(words(one.content), ''),
      words(measure.text).slice('1.'.length),
    );
    const unsaid = rest.replace(words(measure.title), '') !== '';
    expect([number, own.some((one) => differing(one, 'CONTENT').length > 0)]).toEqual([number, unsaid]);
  }
});

test('the tasks have exactly these differences', () => {
  const fields = tasks.map((one) => [...new Set(one.differences.map(({ field }) => field))]);
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
  expect(tasks.filter((one) => one.leads.length === 0).map((one) => one.number)).toEqual([5]);
  expect(tasks[4]?.body.leads).toEqual([]);
  expect(tasks[4]?.flags).toContainEqual(expect.stringContaining('未载牵头单位'));
  expect(tasks.filter((one) => one.recurring).map((one) => [one.number, one.dueOn])).toEqual([
    [8, null],
    [9, '2022-05-31'],
  ]);
  expect(tasks.map((one) => one.supervisorLevel)).toEqual(tasks.map((one) => (one.number === 8 ? 'CITY' : null)));
  expect(tasks.map((one) => one.body.supervisorLevel)).toEqual(
    tasks.map((one) => (one.measure === 6 ? 'COUNTY' : null)),
  );
});

test('organs that the hub knows have their id; other organs are flagged', () => {
  const known = new Set(readOrgans().map((one) => one.id));
  const unknown = new Set<string>();
  for (const task of tasks) {
    for (const { printed, organ } of [...task.leads, ...task.responsible]) {
      if (organ !== null) expect(known).toContain(organ);
      else {
        unknown.add(printed);
        expect(task.flags.join('')).toContain(printed);
      }
    }
  }
  expect([...unknown]).toEqual(['县委编办', '县编办', '县人社局', '县财政局', '县工信局']);
});
