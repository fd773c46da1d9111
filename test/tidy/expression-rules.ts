import { findCost, listExpressions } from './expressions.ts';
import { isWithin, type Rule } from './sources.ts';

/**
 * Regular expressions are linear in the length of their text, searched from every position: a stranger chooses the
 * text. Tests are free, they read what the project wrote.
 */

const HOMES = ['gateway', 'subgraphs', 'db', 'seeds', 'scripts'];

const plant = (expression: string, path = 'subgraphs/kernel/x.ts') => ({
  [path]: `export const x = (text: string, part: string) => ${expression};\npart();`,
});

export const expressionRules: Rule[] = [
  {
    name: 'a regular expression is a constant and takes linear time',
    findViolations: ({ path }, sources) => {
      if (!isWithin(path, ...HOMES)) return [];
      return listExpressions(path, sources).flatMap(({ line, pattern, flags }) => {
        const cost = pattern === null ? 'known only at run time' : findCost(pattern, flags);
        return cost === null ? [] : [`line ${line}: /${pattern ?? '…'}/: ${cost}`];
      });
    },
    planted: {
      'nested repetition': plant('/^(a+)+$/.test(text)'),
      'two ways through one text': plant('/^(?:a|a)*$/.test(text)'),
      'neighbours that share characters': plant(String.raw`/^\s*[^#]*\s*$/.test(text)`),
      'an end that is searched from every start': plant(String.raw`/F \((.*?)\)/.test(text)`, 'gateway/x.ts'),
      'the same with a bound': plant(String.raw`/\/F \((.{0,100}?)\)/.test(text)`),
      'spaces at the end': plant(String.raw`text.replace(/\s+$/, "")`, 'scripts/x.ts'),
      'a repetition of the same': plant('/(b+)c\\\\1d/.test(text)', 'db/x.ts'),
      'a constructor': plant('new RegExp("^(a+)+$").test(text)'),
      'a constructor without `new`': plant('RegExp(`^(a+)+$`, "u").test(text)'),
      'a text that becomes an expression': plant('text.match("(a+)+$")'),
      'a part from elsewhere in the file': {
        'seeds/x.ts': ['const PART = "(a+)";', `export const x = new RegExp(\`^$\{PART}+$\`);`].join('\n'),
      },
      'a part from another file': {
        'seeds/x.ts': 'import { PART } from "./y.ts";\nexport const x = new RegExp("^" + PART + "+$");',
        'seeds/y.ts': 'export const PART = "(a+)";',
      },
      'a part by String.raw, joined': plant('new RegExp([String.raw`(\\w+)+`, "$"].join("")).test(text)'),
      'a part that is known only at run time': plant('new RegExp("^" + part).test(text)'),
      'code of a page': plant('/^(a+)+$/.test(text)', 'gateway/page/static/x.ts'),
    },
  },
];
