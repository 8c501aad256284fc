/** The sections of a run that are about its scores: the few that matter most, counting, boxes, calibration, pictures. */
import type { Calibration } from '../../scores/calibration.js';
import { decimals } from '../../scores/numbers.js';
import { html, type Markup, type Piece } from './markup.js';
import { nats, orDash, percent, plural, whole } from './numbers.js';
import { absent, figure, note, section, type Tile, table, tiles } from './page.js';
import { pictures } from './picture.js';
import type { RunPage } from './run.js';

/** Where a section stands: what its anchor begins with, and how deep its heading is. */
export type Place = { prefix: string; level: 2 | 3 };

const NO_TRUTH = 'The scenes have no true counts, so nothing can be said of this. Scenes of air gen-data have them.';

/** The scores that one looks at first. */
export function scoreTiles({ scores, scenes, samples }: RunPage): Markup {
  const { count_accuracy: right, evidence_count_accuracy: byEvidence, elbo, average_precision: ap } = scores;
  const all: (Tile | false)[] = [
    right !== null && [
      'counted right',
      percent(right),
      `of ${plural(scenes.images, 'scene')}: the most probable n of q(n)`,
    ],
    byEvidence !== null && [
      'counted right by evidence',
      percent(byEvidence),
      `the n of the largest p(x, n), of ${samples} draws`,
    ],
    elbo !== null && ['ELBO', nats(elbo), `nats an image; the count summed over, z of ${plural(samples, 'draw')}`],
    ap !== null && ['average precision', decimals(3)(ap), 'of boxes against the ink of digits, at IoU .5'],
  ];
  return tiles(all.filter((tile) => tile !== false));
}

export function counting({ scores, collapse, wrong }: RunPage, { prefix, level }: Place): Markup {
  const { confusion, taken_as_single: singles, sampled_count_accuracy: sampled } = scores;
  const head = { id: `${prefix}counting`, title: 'Counting', level };
  if (confusion.length === 0) return section(head, absent(NO_TRUTH));
  const surely =
    singles !== null &&
    singles.images > 0 &&
    html` Of ${plural(singles.images, 'image')} that surely hold one object, as q(1) above 0.9 has it, ${whole(singles.holding[1] ?? 0)} do.`;
  return section(
    head,
    note(
      `Rows: objects there are; columns: objects counted, the most probable n of q(n). ${whole(wrong)} of ${plural(scores.images, 'image')} counted wrong. `,
      sampled !== null && `Counts drawn from q(n) in place of the most probable are right in ${percent(sampled)}.`,
      surely,
    ),
    collapse !== undefined && html`<p class="warning"><b>A known way to fail:</b> ${collapse}.</p>`,
    confusionTable(confusion),
  );
}

function confusionTable(confusion: readonly (readonly number[])[]): Markup {
  const columns = (confusion[0] ?? []).map((_, n) => n);
  const row = (cells: readonly number[], truth: number): Piece => {
    const total = cells.reduce((sum, images) => sum + images, 0);
    if (total === 0) return '';
    return html`<tr><th scope="row">${plural(truth, 'object')}</th>${cells.map((images, n) => {
      const share = images / total;
      const kind = images === 0 ? 'none' : n === truth ? 'on' : 'off';
      return html`<td class="${kind}" style="--share: ${share.toFixed(4)}">${whole(images)}<small>${percent(share)}</small></td>`;
    })}</tr>\n`;
  };
  return html`<div class="scroll"><table class="confusion">
<thead><tr><td></td>${columns.map((n) => html`<th scope="col">counted ${n}</th>`)}</tr></thead>
<tbody>
${confusion.map(row)}</tbody></table></div>`;
}

export function boxes({ scores, samples }: RunPage, { prefix, level }: Place): Markup {
  const head = { id: `${prefix}boxes`, title: 'Boxes and ELBO', level };
  const { average_precision: ap, mean_iou: iou, matched, elbo, terms } = scores;
  const name: { [term: string]: string } = {
    log_lik: 'expected log-likelihood',
    kl_n: '− KL of n',
    kl_z_where: '− KL of z_where',
    kl_z_what: '− KL of z_what',
    bound: 'importance-weighted bound on log p(x)',
  };
  const found = [
    ['average precision at IoU .5', orDash(ap, decimals(3))],
    ['mean IoU of matched boxes', orDash(iou, decimals(3))],
    ['objects matched by a box', orDash(matched, percent)],
  ];
  const explained = [...Object.entries(terms).map(([term, value]) => [name[term] ?? term, nats(value)])];
  explained.splice(-1, 0, ['= ELBO', orDash(elbo, nats)]);
  return section(
    head,
    html`<div class="columns"><div>${
      ap === null ? absent('The scenes do not say where their objects are.') : table(['boxes', ''], found)
    }${note('Windows against the boxes of the ink of each digit; average precision ranks every box proposed by q(n ≥ t). A window leaves room around its object, which the box of the ink does not: IoU is well below 1 where both are right.')}</div><div>${table(
      ['nats an image', ''],
      explained,
    )}${note(`Means over the scenes, with ${plural(samples, 'draw')} of z_where and z_what an image. ELBOs compare under one prior over the count only.`)}</div></div>`,
  );
}

export function calibration({ scores, calibration: chart, samples }: RunPage, { prefix, level }: Place): Markup {
  const head = { id: `${prefix}calibration`, title: 'Calibration', level };
  const { q, evidence } = scores.calibration;
  if (q === null) return section(head, absent(NO_TRUTH));
  const of = (name: string, { brier, expected_calibration_error: error }: Calibration): Piece[] => [
    name,
    decimals(4)(brier),
    decimals(4)(error),
  ];
  const bins = q.reliability.filter(({ images }) => images > 0);
  const reliability = bins.map(({ from, to, images, mean_probability: sure, accuracy }) => [
    `${from} – ${to}`,
    ...[whole(images), orDash(sure, decimals(4)), orDash(accuracy, decimals(4))],
  ]);
  const coverage = q.accuracy_at_coverage.map(({ coverage: share, accuracy, least_probability: least }) => [
    `${100 * share} %`,
    ...[percent(accuracy), decimals(4)(least)],
  ]);
  return section(
    head,
    note(
      'How far the probabilities of counts can be believed. Brier score: mean squared error over all counts, 0 is sure and right, 2 sure and wrong. ',
      'Calibration error: how far accuracy is from the top probability, over the bins below. ',
      evidence !== null && `“By evidence” is p(n | x) estimated from ${plural(samples, 'draw')}.`,
    ),
    html`<div class="columns"><div>${table(
      ['', 'Brier score', 'calibration error'],
      [of('q(n)', q), ...(evidence === null ? [] : [of('by evidence', evidence)])],
    )}${table(['top q(n)', 'images', 'mean', 'right'], reliability, { caption: 'How sure, and how often right' })}${table(
      ['most certain', 'counted right', 'q(n) at least'],
      coverage,
      { caption: 'If only the images that q(n) is surest of are answered' },
    )}</div><div>${chart && figure(chart.title, chart.svg, chart.caption)}</div></div>`,
  );
}

export function reconstructions({ reconstructions: shown, canvas, scenes }: RunPage, { prefix, level }: Place): Markup {
  return section(
    { id: `${prefix}reconstructions`, title: 'Reconstructions', level },
    note(
      `The first ${shown.length} of the ${plural(scenes.images, 'scene')}, not chosen: above the image, below the mean image of what the model found in it, a box for each step that it counted.`,
    ),
    pictures(shown, canvas),
  );
}

export function mistakes({ mistakes: shown, wrong, canvas, scores }: RunPage, { prefix, level }: Place): Markup {
  const head = { id: `${prefix}mistakes`, title: 'Worst mistakes', level };
  if (scores.confusion.length === 0) return section(head, absent(NO_TRUTH));
  if (wrong === 0) return section(head, note(`None of ${plural(scores.images, 'image')} was counted wrong.`));
  const which =
    wrong === 1
      ? 'The one image counted wrong'
      : `${shown.length === wrong ? `All ${wrong}` : `${shown.length} of the ${whole(wrong)}`} images counted wrong, those that q(n) was surest of first`;
  return section(head, note(`${which}. “2 taken for 1”: two objects there, one counted.`), pictures(shown, canvas));
}

/** Sections in their order, with the names that a list of contents has for them. */
export const SCORE_SECTIONS: readonly [id: string, name: string, draw: (run: RunPage, place: Place) => Markup][] = [
  ['counting', 'Counting', counting],
  ['reconstructions', 'Reconstructions', reconstructions],
  ['mistakes', 'Mistakes', mistakes],
  ['calibration', 'Calibration', calibration],
  ['boxes', 'Boxes and ELBO', boxes],
];
