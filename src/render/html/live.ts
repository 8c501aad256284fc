/** The page of a training that goes on: how far it is, its curves so far, what it makes of a few images now and made of them before. */
import { html, type Markup, type Piece, trusted } from './markup.js';
import { clock, nats, percent, plural, whole } from './numbers.js';
import { absent, charts, note, page, section, tiles } from './page.js';
import { pictures, type Shown } from './picture.js';
import type { Chart } from './run.js';
import { commandLines } from './run-sections.js';

export type LiveState =
  | { kind: 'training'; secondsLeft: number | undefined }
  | { kind: 'finished'; says: string }
  | { kind: 'stopped' }
  | { kind: 'failed'; says: string };

export type LivePage = {
  /** The model that it is to become, as it was named. */
  name: string;
  state: LiveState;
  step: number;
  steps: number;
  recipe: string;
  /** Last known; undefined where nothing is known yet. */
  elbo: number | undefined;
  accuracy: { share: number; step: number } | undefined;
  msPerStep: number | undefined;
  charts: readonly Chart[];
  /** What the model makes of a few images now. */
  latest: { step: number; shown: readonly Shown[]; canvas: readonly [number, number]; areHeldOut: boolean } | undefined;
  /** Pictures beside the page, oldest first. */
  previews: readonly { step: number; file: string }[];
  commandLine: string | undefined;
  /** The program of the page: it moves through the pictures and, while training goes on, loads the page anew. */
  script: string;
  /** What a run that is resumed goes on with: any JSON. */
  kept: string;
};

const KEPT_ID = 'run';

/** Between two loads without script, s; the script has a time of its own. */
const REFRESH = 10;

export function livePage(live: LivePage): string {
  const isRunning = live.state.kind === 'training';
  const head = html`${isRunning && html`<noscript><meta http-equiv="refresh" content="${REFRESH}"></noscript>`}
<script type="application/json" id="${KEPT_ID}">${inScript(live.kept)}</script>`;
  const body = html`<header>
<h1>${live.name}</h1>
<p class="lead" id="state" data-running="${isRunning ? 'yes' : 'no'}">${stateOf(live)}</p>
<progress max="${live.steps}" value="${live.step}" aria-label="steps done"></progress>
${note(`Learns with ${live.recipe}.`)}
</header>
${progressTiles(live)}
${section({ id: 'curves', title: 'So far' }, live.charts.length === 0 ? absent('Nothing is reported yet.') : charts(live.charts))}
${now(live)}
${earlier(live)}
${live.commandLine !== undefined && section({ id: 'command', title: 'Command' }, commandLines([live.commandLine]))}
<script>${trusted(live.script)}</script>`;
  return page({ title: `${titleOf(live)} ${live.name}`, body, head });
}

/** What a page keeps of its run; undefined if there is nothing of the kind in the text. */
export function keptIn(text: string): unknown {
  const found = new RegExp(`<script type="application/json" id="${KEPT_ID}">([^<]*)</script>`).exec(text);
  try {
    return found === null ? undefined : JSON.parse(found[1]);
  } catch {
    return undefined;
  }
}

/** JSON in which nothing can end the element that it stands in. */
function inScript(json: string): Markup {
  return trusted(json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029'));
}

function titleOf({ state, step, steps }: LivePage): string {
  return state.kind === 'training' ? `${Math.floor((100 * step) / steps)}%` : state.kind;
}

function stateOf({ name, state, step, steps }: LivePage): Piece {
  const done = html`step ${whole(step)} of ${whole(steps)}`;
  if (state.kind === 'finished')
    return html`<b>Finished</b>${step < steps && html` at ${done}`}: ${state.says}. <code>air report ${name}</code> shows all of it.`;
  if (state.kind === 'stopped') return html`<b>Stopped</b> after ${done}; the same command goes on from there.`;
  if (state.kind === 'failed') return html`<b>Ended</b> after ${done}: ${state.says}`;
  const left = state.secondsLeft === undefined ? '' : `, about ${clock(state.secondsLeft)} to go`;
  return html`<b>Training</b>, ${done}${left}. <span id="news"></span>`;
}

function progressTiles({ elbo, accuracy, msPerStep, steps, step }: LivePage): Markup {
  return tiles([
    ['steps', whole(step), `of ${whole(steps)}`],
    [
      'counted right',
      accuracy === undefined ? '–' : percent(accuracy.share),
      accuracy === undefined ? 'no validation yet' : `of held-out scenes, at step ${whole(accuracy.step)}`,
    ],
    ['ELBO', elbo === undefined ? '–' : nats(elbo), 'nats an image, of the last batch reported'],
    ['pace', msPerStep === undefined ? '–' : `${msPerStep.toFixed(1)}\u00a0ms`, 'a step'],
  ]);
}

function now({ latest }: LivePage): Markup {
  if (latest === undefined)
    return section({ id: 'now', title: 'What it sees' }, absent('No picture yet: --preview-every says when.'));
  const { step, shown, canvas, areHeldOut } = latest;
  const of = areHeldOut ? 'the first scenes of --valid' : 'images of a batch';
  return section(
    { id: 'now', title: 'What it sees' },
    note(
      `At step ${whole(step)}, ${of}: above the image, below what the model makes of it, a box for each step that it counted.`,
    ),
    pictures(shown, canvas),
  );
}

/** Wide pictures, one at a time: a slider moves through them; without script they stand one below the other. */
function earlier({ previews }: LivePage): Piece {
  if (previews.length < 2) return '';
  const last = previews[previews.length - 1];
  return section(
    { id: 'before', title: 'How it came to that' },
    note(`${plural(previews.length, 'picture')}, beside this page.`),
    html`<p class="slider" hidden><label for="earlier">step <span id="earlier-step">${last.step}</span></label>
<input type="range" id="earlier" min="0" max="${previews.length - 1}" value="${previews.length - 1}" data-files="${previews.map(({ file }) => file).join(' ')}" data-steps="${previews.map(({ step }) => step).join(' ')}"></p>
<div class="scroll preview"><img id="earlier-picture" src="${last.file}" alt="images and their reconstructions at a step"></div>
<noscript>${previews
      .slice(0, -1)
      .reverse()
      .map(
        ({ step, file }) =>
          html`<p class="note">step ${whole(step)}</p><div class="scroll preview"><img src="${file}" loading="lazy" alt="images and their reconstructions at step ${step}"></div>\n`,
      )}</noscript>`,
  );
}
