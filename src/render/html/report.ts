/** A whole report: of one run, or of several with a table of them first. */
import { decimals } from '../../scores/numbers.js';
import { html, type Markup, type Piece } from './markup.js';
import { nats, orDash, percent, plural, whole } from './numbers.js';
import { charts, note, page, section, table } from './page.js';
import type { Chart, RunPage } from './run.js';
import { curves, RUN_SECTIONS, verdict } from './run-sections.js';
import { type Place, SCORE_SECTIONS, scoreTiles } from './score-sections.js';

/** Scores and pictures first, how it came to be last; curves in between. */
const SECTIONS: readonly [id: string, name: string, draw: (run: RunPage, place: Place) => Markup][] = [
  ['curves', 'Training', curves],
  ...SCORE_SECTIONS,
  ...RUN_SECTIONS,
];

export type ReportOptions = {
  /** The command that made the page; undefined leaves it out. */
  commandLine: string | undefined;
};

function contents(place: Place): Markup {
  return html`<nav aria-label="contents">${SECTIONS.map(([id, name]) => html`<a href="#${place.prefix}${id}">${name}</a>\n`)}</nav>`;
}

function sections(run: RunPage, place: Place): Piece {
  return SECTIONS.map(([, , draw]) => html`${draw(run, place)}\n`);
}

function footer({ commandLine }: ReportOptions): Piece {
  if (commandLine === undefined) return '';
  return html`<footer>Made by <code>${commandLine}</code></footer>`;
}

export function reportOfRun(run: RunPage, options: ReportOptions): string {
  const place: Place = { prefix: '', level: 2 };
  const body = html`<header>
<h1>${run.name}</h1>
${verdict(run)}
${note(`Attend-Infer-Repeat, learnt with ${run.recipe}.`)}
${contents(place)}
</header>
${scoreTiles(run)}
${sections(run, place)}
${footer(options)}`;
  return page({ title: `${run.name}: report`, body });
}

/** @param curves of all runs, one beside the other */
export function reportOfRuns(
  { folder, runs, comparison }: { folder: string; runs: readonly RunPage[]; comparison: readonly Chart[] },
  options: ReportOptions,
): string {
  const body = html`<header>
<h1>${folder}</h1>
<p class="lead">${plural(runs.length, 'run')}, each scored on ${areAlike(runs) ? 'the same images' : 'images of its own size'}.</p>
</header>
${overview(runs)}
${comparison.length > 0 && charts(comparison)}
${runs.map((run, k) => html`${runSection(run, k)}\n`)}
${footer(options)}`;
  return page({ title: `${folder}: ${plural(runs.length, 'run')}`, body });
}

const areAlike = ([first, ...others]: readonly RunPage[]): boolean =>
  others.every(({ canvas }) => canvas.join() === first.canvas.join());

function runSection(run: RunPage, k: number): Markup {
  const place: Place = { prefix: `run-${k + 1}-`, level: 3 };
  return html`<article class="run" id="run-${k + 1}">
<h2>${run.name}</h2>
${verdict(run)}
${note(`Learnt with ${run.recipe}.`)}
${contents(place)}
${scoreTiles(run)}
${sections(run, place)}
</article>`;
}

function overview(runs: readonly RunPage[]): Markup {
  const [first] = runs;
  const rows = runs.map((run, k): Piece[] => {
    const { scores } = run;
    return [
      html`<a href="#run-${k + 1}">${run.name}</a>`,
      orDash(scores.count_accuracy, percent),
      orDash(scores.evidence_count_accuracy, percent),
      orDash(scores.elbo, nats),
      orDash(scores.average_precision, decimals(3)),
      orDash(scores.calibration.q?.brier, decimals(4)),
      `${whole(run.step)}${run.isFinished ? '' : ` of ${whole(run.steps)}`}`,
      difference(run, runs),
    ];
  });
  const head = ['run', 'counted right', 'by evidence', 'ELBO, nats', 'AP', 'Brier', 'steps', 'what differs'];
  return section(
    { id: 'runs', title: 'Scores of all runs' },
    note(
      `On ${plural(first.scenes.images, 'image')}: ${first.scenes.what}. The most probable n of q(n); by evidence, ELBO and AP as below.`,
    ),
    table(head, rows, { textColumns: [7] }),
  );
}

/** In what the runs are not alike: settings, as flags, and the images that they were trained on, by the begin of their digest. */
function difference(run: RunPage, runs: readonly RunPage[]): Piece {
  const valuesOf = ({ settings, provenance }: RunPage): Map<string, string> =>
    new Map([
      ...settings.rows.map(({ name, value }) => [name, value] as const),
      ['images', provenance.data.slice(0, 8)],
    ]);
  const values = runs.map(valuesOf);
  const own = valuesOf(run);
  const names = [...new Set(values.flatMap((of) => [...of.keys()]))];
  const unlike = names.filter((name) => new Set(values.map((of) => of.get(name))).size > 1);
  if (unlike.length === 0) return '–';
  return unlike.map((name) => html`<code class="unlike">${name} ${own.get(name) ?? '–'}</code> `);
}
