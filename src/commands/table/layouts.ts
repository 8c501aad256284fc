/** The rows of `air table` as Markdown, CSV and JSON. */
import { printable } from '../../io/printable.js';
import { type Cell, type Column, cellText, type Summary, summarise } from '../../scores/columns.js';
import { stemOf } from '../shared/named-file.js';
import type { Run } from './runs.js';

export type Layout = { rows: 'all' | 'each' | 'groups'; heading: string };

type Group = { name: string; runs: Run[] };

/** Runs by their names, in the order in which these first stand. */
function groupsOf(runs: readonly Run[]): Group[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) groups.set(run.name, [...(groups.get(run.name) ?? []), run]);
  return [...groups].map(([name, members]) => ({ name, runs: members }));
}

const cellsOf = (runs: readonly Run[], { of }: Column): Cell[] => runs.map(({ scores }) => of(scores));

const PARTS = ['mean', 'least', 'most'] as const;

type Part = (typeof PARTS)[number];

/** Of a group, in one row of three: how many it is true of stands in the first. */
function partText({ format }: Column, summary: Summary, part: Part): string {
  if (summary === null) return '-';
  if ('are' in summary) return part === 'mean' ? `${summary.are} of ${summary.of}` : '';
  return format(summary[part]);
}

/** The same in one cell. Of one run it is what it says itself. */
function groupText(column: Column, cells: readonly Cell[]): string {
  const summary = summarise(cells);
  if (cells.length === 1) return cellText(column, cells[0]);
  if (summary === null) return '-';
  if ('are' in summary) return `${summary.are} of ${summary.of}`;
  const [mean, least, most] = PARTS.map((part) => column.format(summary[part]).replace(/ %$/, ''));
  const unit = column.format(0).endsWith(' %') ? ' %' : '';
  return least === most ? `${mean}${unit}` : `${mean}${unit} (${least} to ${most})`;
}

export function toMarkdown(runs: readonly Run[], columns: readonly Column[], { rows, heading }: Layout): string {
  const line = (name: string, cells: readonly string[]) =>
    `| ${[name, ...cells].map((cell) => printable(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  const lines = [
    line(
      heading,
      columns.map(({ title }) => title),
    ),
    `|${'---|'.repeat(columns.length + 1)}`,
  ];
  const rowOf = (name: string, { scores }: Run) =>
    line(
      name,
      columns.map((column) => cellText(column, column.of(scores))),
    );
  for (const { name, runs: members } of groupsOf(runs)) {
    if (rows === 'groups') {
      lines.push(
        line(
          name,
          columns.map((column) => groupText(column, cellsOf(members, column))),
        ),
      );
      continue;
    }
    if (members.length === 1) lines.push(rowOf(name, members[0]));
    else lines.push(...members.map((run) => rowOf(stemOf(run.file), run)));
    if (rows === 'each' || members.length === 1) continue;
    for (const part of PARTS) {
      lines.push(
        line(
          `${name}, ${part}`,
          columns.map((column) => partText(column, summarise(cellsOf(members, column)), part)),
        ),
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

/** A row for each file, and for each group three: `row` is the file, or mean, least or most. */
export function toCsv(runs: readonly Run[], columns: readonly Column[], { rows, heading }: Layout): string {
  const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const lines = [[heading, 'row', ...columns.map(({ name }) => name)]];
  const plain = (cell: Cell) => (cell === null ? '' : typeof cell === 'number' ? String(cell) : cell.text);
  for (const { name, runs: members } of groupsOf(runs)) {
    if (rows !== 'groups') {
      for (const { file, scores } of members) lines.push([name, file, ...columns.map(({ of }) => plain(of(scores)))]);
    }
    if (rows === 'each' || (rows === 'all' && members.length === 1)) continue;
    for (const part of PARTS) {
      const cells = columns.map((column) => {
        const summary = summarise(cellsOf(members, column));
        if (summary === null) return '';
        if ('are' in summary) return part === 'mean' ? String(summary.are) : '';
        return String(summary[part]);
      });
      lines.push([name, part, ...cells]);
    }
  }
  return lines.map((cells) => `${cells.map(quoted).join(',')}\n`).join('');
}

/** Both kinds of rows, by the names of columns; numbers as they are, what is so or not in words. */
export function toJson(runs: readonly Run[], columns: readonly Column[], { rows }: Layout): string {
  const value = (cell: Cell) => (cell !== null && typeof cell === 'object' ? cell.text : cell);
  const each = runs.map(({ name, file, scores }) => ({
    name,
    file,
    ...Object.fromEntries(columns.map(({ name: column, of }) => [column, value(of(scores))])),
  }));
  const groups = groupsOf(runs).map(({ name, runs: members }) => ({
    name,
    files: members.length,
    ...Object.fromEntries(columns.map((column) => [column.name, summarise(cellsOf(members, column))])),
  }));
  const all = { ...(rows === 'groups' ? {} : { rows: each }), ...(rows === 'each' ? {} : { groups }) };
  return `${JSON.stringify(all, null, 2)}\n`;
}
