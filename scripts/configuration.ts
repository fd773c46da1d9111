import { readFileSync, writeFileSync } from 'node:fs';
import {
  ENVIRONMENT,
  PROCESSES,
  type ProcessName,
  type Use,
  type Variable,
} from '../subgraphs/kernel/environment/variables.ts';

/**
 * `npm run configuration`: writes docs/configuration.md from the table of environment variables.
 * `--check` writes nothing and exits with 1 if the file is out of date.
 */

const PAGE = new URL('../docs/configuration.md', import.meta.url);

const INTRODUCTION = `# Configuration

\`npm run configuration\` writes this page from \`subgraphs/kernel/environment/variables.ts\`; do not edit it.

Each process reads its environment once, when it starts.
It names every missing or wrong variable in a line of its own, and exits.
An empty variable counts as absent, except \`TOKEN\`.
The value of a secret variable is never printed.
In production a process does not start on secrets that other accounts of the machine may read or replace.
A name that looks like a misspelling of an absent variable is reported; the process starts nevertheless.`;

function writePage(): string {
  const rows = Object.entries(ENVIRONMENT as Record<string, Variable>).sort(([a], [b]) => (a < b ? -1 : 1));
  const variables = rows.map(([name, variable]) => [
    `\`${name}\``,
    describeKind(variable),
    variable.about,
    describeUses(variable),
  ]);
  const processes = Object.entries(PROCESSES).map(([name, { command }]) => [name, `\`${command}\``]);
  return [
    INTRODUCTION,
    '## Variables',
    writeTable(['variable', 'expected', 'what it is', 'processes and default'], variables),
    '## Processes',
    writeTable(['process', 'command'], processes),
    '',
  ]
    .join('\n\n')
    .replace(/\n\n$/, '\n');
}

function describeKind({ kind, isSecret }: Variable): string {
  return isSecret ? `${kind.expected}; secret` : kind.expected;
}

/** Lists the processes by how they use the variable, such as "required: seals; 4000: start, gateway". */
function describeUses({ uses }: Variable): string {
  const groups = new Map<string, string[]>();
  for (const [process, use] of Object.entries(uses) as [ProcessName, Use][]) {
    const group = describeUse(use);
    groups.set(group, [...(groups.get(group) ?? []), process]);
  }
  return [...groups].map(([group, processes]) => `${group}: ${processes.join(', ')}`).join('; ');
}

function describeUse({ required, default: value, with: other, unless, inProduction }: Use): string {
  if (required) return 'required';
  if (inProduction) return 'required in production';
  if (other !== undefined) return `required with \`${other}\``;
  if (unless !== undefined) return `required without \`${unless}\``;
  return value ? `\`${value}\`` : 'optional';
}

/** Writes a Markdown table whose columns are padded to equal width. */
function writeTable(head: string[], rows: string[][]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

const page = writePage();
if (!process.argv.includes('--check')) {
  writeFileSync(PAGE, page);
} else if (readFileSync(PAGE, 'utf8') !== page) {
  console.error('docs/configuration.md is out of date: run `npm run configuration`');
  process.exitCode = 1;
}
