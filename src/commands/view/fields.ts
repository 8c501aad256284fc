/** The fields of streams in print. */
import { wrap } from '../../cli/help.js';
import { FIELD_NOTES, FIELDS, type FieldGroup } from '../../formats/field-table.js';

const WIDTH = 100;

export function fieldsText(): string {
  const groups: [string, FieldGroup][] = Object.entries(FIELDS);
  const rows = groups.flatMap(([, { fields }]) => Object.entries(fields));
  const nameWidth = Math.max(...rows.map(([name]) => name.length)) + 4;
  const typeWidth = Math.max(...rows.map(([, { type, optional }]) => typeText(type, optional).length)) + 2;
  const sections = groups.map(([group, { what, fields }]) => {
    const lines = Object.entries(fields).flatMap(([name, { type, optional, help }]) => {
      const head = `  ${name}`.padEnd(nameWidth) + typeText(type, optional).padEnd(typeWidth);
      return wrap(help, WIDTH - head.length).map((line, k) => (k === 0 ? head : ' '.repeat(head.length)) + line);
    });
    return [`${group}: ${what}`, ...lines].join('\n');
  });
  return `${[...sections, ...FIELD_NOTES.map((note) => wrap(note, WIDTH).join('\n'))].join('\n\n')}\n`;
}

export function fieldsJson(): string {
  return `${JSON.stringify({ ...FIELDS, notes: FIELD_NOTES }, null, 2)}\n`;
}

function typeText(type: string, optional: boolean | undefined): string {
  return `${type}${optional ? ', optional' : ''}`;
}
