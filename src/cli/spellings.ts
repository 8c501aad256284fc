/**
 * What another program calls an option: the words of a command line that are written as there, as they are written here.
 *
 * `-blr 0.1` is `--baseline-learning-rate=0.1` if the table says so, `--no-baselines` is `--baseline none`.
 */
import { type Spelling, usage } from './command.js';

const WHOLE = /^\d+$/;

/**
 * The line in this program's words; what is in no table stays as it is.
 *
 * @throws AirError usage: a value is missing
 */
export function respell(spellings: readonly Spelling[], argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at];
    if (word === '--') return [...words, ...argv.slice(at)];
    const equals = word.indexOf('=');
    const name = equals === -1 ? word : word.slice(0, equals);
    const spelling = spellings.find((one) => one.name === name);
    if (spelling === undefined || (spelling.takes === undefined && equals !== -1)) {
      words.push(word);
      continue;
    }
    const { means, takes, value = (text: string) => text } = spelling;
    if (takes === undefined) {
      words.push(...means);
      continue;
    }
    const first = equals === -1 ? argv[++at] : word.slice(equals + 1);
    if (first === undefined) throw usage(`${name}: its value is missing`);
    const all = [first];
    const goesOn = takes === 'values' && equals === -1 && WHOLE.test(first);
    while (goesOn && WHOLE.test(argv[at + 1] ?? '')) all.push(argv[++at]);
    words.push(...means.slice(0, -1), `${means[means.length - 1]}=${value(all.join(','))}`);
  }
  return words;
}
