/** What a part of the soak found, in print and as build/soak/PART.md; and whether it held. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outcomes } from './measure.js';

export class SoakReport {
  private readonly name: string;
  private readonly text: string[] = [];
  private failures = 0;

  /** @param command that makes these figures again */
  constructor(name: string, title: string, command: string) {
    this.name = name;
    this.say(`## ${title}\n\n\`${command}\`, ${new Date().toISOString().slice(0, 10)}\n`);
  }

  say(line: string): void {
    this.text.push(line);
    process.stdout.write(`${line}\n`);
  }

  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
    this.say(`${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`);
  }

  /** A promise, and whether it was kept. */
  check(what: string, holds: boolean): void {
    if (!holds) this.failures++;
    this.say(`- ${holds ? 'holds' : '**does not hold**'}: ${what}`);
  }

  /** Writes the page; the process ends with 1 if a promise was broken. */
  end(): void {
    writeFileSync(join(outcomes(), `${this.name}.md`), `${this.text.join('\n')}\n`);
    if (this.failures > 0) process.exitCode = 1;
  }
}

export function fixed(value: number | undefined, digits = 0): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);
}
