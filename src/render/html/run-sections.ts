/** The sections of a run that are about how it came to be: curves, what was scored on, configuration, provenance. */
import { html, type Markup } from './markup.js';
import { percent, plural, whole } from './numbers.js';
import { absent, charts, facts, note, section } from './page.js';
import type { RunPage } from './run.js';
import type { Place } from './score-sections.js';

export function curves({ curves: of }: RunPage, { prefix, level }: Place): Markup {
  const head = { id: `${prefix}curves`, title: 'Training', level };
  if ('absent' in of) return section(head, absent(of.absent));
  return section(head, note(`From the log ${of.log}.`), charts(of.charts));
}

export function scored(run: RunPage, { prefix, level }: Place): Markup {
  const { scores, scenes, samples, shifts, seed, backend, canvas } = run;
  const { how, warning, images, provenance } = scenes;
  const perCount = scores.confusion.map((found) => found.reduce((sum, count) => sum + count, 0));
  const counts = perCount.flatMap((count, n) => (count === 0 ? [] : [`${whole(count)} with ${n}`])).join(', ');
  return section(
    { id: `${prefix}scored`, title: 'What the scores are made of', level },
    warning !== undefined && html`<p class="warning">${warning}</p>`,
    facts([
      ['scenes', how],
      ['images', `${whole(images)} of ${canvas.join(' × ')} px${counts === '' ? '' : `: ${counts}`}`],
      [
        'inference',
        `mean of the guide, ${plural(samples, 'draw')} an image for ELBO and evidence, ${plural((2 * shifts + 1) ** 2, 'look')}, seed ${seed}, on ${backend}`,
      ],
      provenance.length > 0 && ['made by', commandLines(provenance)],
    ]),
  );
}

export function configuration({ settings }: RunPage, { prefix, level }: Place): Markup {
  const { preset, rows } = settings;
  const changed = rows.filter((row) => row.preset !== undefined).length;
  const says =
    changed === 0
      ? `As --preset ${preset} has it, every setting.`
      : `Nearest preset: ${preset}. ${plural(changed, 'setting')} ${changed === 1 ? 'differs' : 'differ'} from it and ${changed === 1 ? 'is' : 'are'} marked, with the preset’s own in brackets.`;
  return section(
    { id: `${prefix}configuration`, title: 'Configuration', level },
    note(says),
    html`<ul class="settings">${rows.map(({ name, value, preset: other }) =>
      other === undefined
        ? html`<li><code>${name}</code><code>${value}</code></li>\n`
        : html`<li class="changed"><code>${name}</code><code>${value} (${other})</code></li>\n`,
    )}</ul>`,
  );
}

export function provenance(run: RunPage, { prefix, level }: Place): Markup {
  const { lines, data, backend, digest, bytes, validation } = run.provenance;
  const state = run.isFinished ? '' : ', not over: the same command goes on';
  return section(
    { id: `${prefix}provenance`, title: 'Provenance', level },
    facts([
      ['step', `${whole(run.step)} of ${whole(run.steps)}${state}`],
      ['trained on', html`images with digest <code>${data}</code>`],
      ['backend', backend],
      ['last validation', validation ?? 'none in the file'],
      ['model', html`${whole(run.weights)} weights, ${whole(bytes)} bytes, SHA-256 <code>${digest}</code>`],
    ]),
    lines.length > 0 ? commandLines(lines) : absent('Command lines were left out of the file (--no-provenance).'),
  );
}

export function commandLines(lines: readonly string[]): Markup {
  return html`<ol class="lines">${lines.map((line) => html`<li><pre>${line}</pre></li>`)}</ol>`;
}

export const RUN_SECTIONS: readonly [id: string, name: string, draw: (run: RunPage, place: Place) => Markup][] = [
  ['scored', 'What was scored', scored],
  ['configuration', 'Configuration', configuration],
  ['provenance', 'Provenance', provenance],
];

/** One sentence that says how good it is. */
export function verdict({ scores, scenes, step, steps, isFinished }: RunPage): Markup {
  const { count_accuracy: right } = scores;
  const counts = right === null ? 'Its counts cannot be scored' : html`Counts <b>${percent(right)}</b> right`;
  const progress = isFinished ? '' : `, after ${whole(step)} of ${whole(steps)} steps: the run is not over`;
  return html`<p class="lead">${counts} on ${plural(scenes.images, 'image')}: ${scenes.what}${progress}.</p>`;
}
