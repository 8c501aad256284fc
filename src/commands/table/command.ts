/** `air table`: the scores of several models side by side. */
import { choice, defineCommand, flag, float, usage, valued } from '../../cli/command.js';
import { writtenAs } from '../../io/output-kinds.js';
import { json, output } from '../shared/options.js';

export const table = defineCommand({
  name: 'table',
  summary: 'the scores of several models side by side, as Markdown, CSV or JSON',
  description: `Each FILE holds what air eval --json says of a model, or is the log of a training (air train --metrics), of which the last
    validation counts. NAME= before it says what its row is called, otherwise its file's name does. Files of one NAME are
    one experiment, as with several seeds: after their rows come their mean, the least and the most, column by column, and
    of how many of them it is true that they collapse. --rows each leaves the means out, --rows groups has a row for each
    NAME alone: mean (least to most).

    Columns are count, evidence and sampled (shares of images whose count is right: by q(n), by evidence, drawn from q(n)), elbo,
    bound, iou, ap, brier, images, step and seconds (of a log), collapse (a known way not to count, in words), and numbers of
    images such as 2as1, twos that were counted as one. --success A adds whether a model counts so well and does not collapse.

    --within compares trainings at equal time: it takes of each log the last validation within so many seconds of training
    steps, or within those that the shortest of them took.

    A run that has no scores, as one that diverged, is a file {"collapse": "why"}: its row says so.`,
  operands: [
    {
      name: 'FILE',
      help: '[NAME=]FILE: scores as air eval --json writes them, or a log of air train --metrics',
      required: true,
      many: true,
    },
  ],
  options: {
    columns: valued({
      value: 'A,B,...',
      group: 'Table',
      expects: 'names of columns, separated by commas, such as count,elbo,2as1; air table --help lists them',
      defaultText: 'count, evidence, elbo, ap, 2as1, 2as3, 1as2, collapse, as far as there is something in them',
      help: 'what to show, in this order',
      parse: parseColumns,
      format: (names) => names.join(','),
    }),
    rows: choice(['all', 'each', 'groups'], {
      default: 'all',
      group: 'Table',
      help: 'every file and what files of one NAME have in common, or one of the two',
    }),
    success: float({
      min: 0,
      max: 1,
      value: 'A',
      group: 'Table',
      defaultText: 'no such column',
      help: 'whether a model counts this share right and does not collapse',
    }),
    within: valued({
      value: 'SECONDS|shortest',
      group: 'Table',
      expects: 'seconds above 0, or shortest',
      defaultText: 'to their ends',
      help: 'of logs: the last validation within so much time of training steps',
      parse: (text) => (text === 'shortest' ? text : parseSeconds(text)),
    }),
    heading: valued({
      value: 'TEXT',
      group: 'Table',
      default: 'model',
      expects: 'a text',
      help: 'what stands above the names, in Markdown and CSV',
      parse: (text) => text,
    }),
    csv: flag({ group: 'Output', help: 'print CSV, with numbers as they are' }),
    json,
    output: output({ help: 'write the table here' }),
  },
  examples: [
    { command: 'air table small=small.json best=best.json', help: 'two models side by side' },
    {
      command: 'air table sums=a-1.json sums=a-2.json elbo=b-1.json elbo=b-2.json',
      help: 'two seeds of two recipes each',
    },
    { command: 'air table --rows groups --success 0.95 nvil=n1.json nvil=n2.json', help: 'how many seeds succeed' },
    {
      command: 'air table --within shortest a.jsonl b.jsonl',
      help: 'how well two trainings count after the same time',
    },
    { command: 'air table --columns count,elbo,2as1 --csv a.json b.json', help: 'for a spreadsheet' },
  ],
  seeAlso: ['eval', 'train'],
  async run({ options, operands }, io) {
    if (options.csv && options.json) throw usage('--csv and --json exclude each other', 'leave one of the two out');
    const { readRuns } = await import('./runs.js');
    const { columnOf, defaultColumns, successColumn } = await import('../../scores/columns.js');
    const layouts = await import('./layouts.js');
    const kind = writtenAs(
      options.output,
      options.json ? ['json'] : options.csv ? ['csv'] : ['markdown', 'csv', 'json', 'text'],
    );
    const out = await io.openOutput(options.output, kind);
    const names = options.columns ?? [];
    const unknown = names.find((name) => columnOf(name) === undefined);
    if (unknown !== undefined) throw await unknownColumn(unknown);
    const runs = await readRuns(operands.FILE, options.within, io);
    const columns = names.flatMap((name) => columnOf(name) ?? []);
    if (columns.length === 0) columns.push(...defaultColumns(runs.map(({ scores }) => scores)));
    if (options.success !== undefined) columns.push(successColumn(options.success));
    const layout = kind === 'json' ? layouts.toJson : kind === 'csv' ? layouts.toCsv : layouts.toMarkdown;
    await out.write(layout(runs, columns, { rows: options.rows, heading: options.heading }));
    await out.finish();
  },
});

function parseColumns(text: string): readonly string[] | undefined {
  const names = text.split(',');
  return names.every((name) => /^[a-z0-9]+$/.test(name)) && new Set(names).size === names.length ? names : undefined;
}

function parseSeconds(text: string): number | undefined {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  return seconds > 0 ? seconds : undefined;
}

async function unknownColumn(name: string) {
  const { COLUMN_NAMES } = await import('../../scores/columns.js');
  return usage(`--columns: there is no column ${name}`, `there are ${COLUMN_NAMES.join(', ')}, and 2as1 and the like`);
}
