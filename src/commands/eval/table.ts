/** The scores of `air eval` in print. */
import type { Calibration } from '../../scores/calibration.js';
import { decimals, percent } from '../../scores/numbers.js';
import type { Scores } from '../../scores/scoreboard.js';

const TERM_NAMES: { [name: string]: string } = {
  log_lik: '  expected log-likelihood',
  kl_n: '  KL of n',
  kl_z_where: '  KL of z_where',
  kl_z_what: '  KL of z_what',
  bound: 'importance-weighted bound',
};

type Row = [name: string, value: number | string | null | undefined, format: (value: number) => string];

const NO_ELBO = 'not in all of these latents: air infer --no-elbo leaves it out';

const nats = (value: number) => `${value.toFixed(2)} nats`;

/** What the input allows, a line for each score, and the confusion matrix; `withCalibration`: and how sure to be of the counts. */
export function table(scores: Scores, { withCalibration }: { withCalibration: boolean }): string {
  const { calibration } = scores;
  const rows: Row[] = [
    ['images', scores.images, String],
    ['count accuracy', scores.count_accuracy, percent],
    ['  of counts drawn from q(n)', scores.sampled_count_accuracy, percent],
    ['  of counts by evidence', scores.evidence_count_accuracy, percent],
    ...abstentionRows(scores.abstention),
    ['Brier score of q(n)', calibration.q?.brier, decimals(4)],
    ['  of the evidence', calibration.evidence?.brier, decimals(4)],
    ['ELBO per image', scores.elbo ?? NO_ELBO, nats],
    ...Object.entries(scores.terms).map(([name, value]): Row => [TERM_NAMES[name] ?? name, value, nats]),
    ['mean IoU of matched boxes', scores.mean_iou, decimals(3)],
    ['objects matched', scores.matched, percent],
    ['average precision at IoU .5', scores.average_precision, decimals(3)],
  ];
  const lines = rows.flatMap(([name, value, format]) => {
    if (value == null) return [];
    return [`${name.padEnd(30)}${typeof value === 'number' ? format(value) : value}`];
  });
  lines.push(...confusionLines(scores.confusion));
  if (withCalibration && calibration.q) lines.push(...calibrationLines('q(n)', calibration.q));
  if (withCalibration && calibration.evidence) lines.push(...calibrationLines('the evidence', calibration.evidence));
  return `${lines.join('\n')}\n`;
}

function abstentionRows(abstention: Scores['abstention']): Row[] {
  if (abstention === null) return [];
  return [
    [`answered, q(n) >= ${abstention.below}`, abstention.q?.answered, percent],
    ['  count accuracy of these', abstention.q?.accuracy, percent],
    [`answered, by evidence`, abstention.evidence?.answered, percent],
    ['  count accuracy of these', abstention.evidence?.accuracy, percent],
  ];
}

function confusionLines(confusion: readonly (readonly number[])[]): string[] {
  if (confusion.length === 0) return [];
  const width = Math.max(6, ...confusion.flat().map((count) => String(count).length + 2));
  const cells = (values: readonly (number | string)[]) => values.map((value) => String(value).padStart(width)).join('');
  const counted = (confusion[0] ?? []).map((_, n) => n);
  return ['', `${'confusion: counted as'.padEnd(24)}${cells(counted)}`].concat(
    confusion.map((row, truth) => `${`  images with ${truth}`.padEnd(24)}${cells(row)}`),
  );
}

function calibrationLines(of: string, calibration: Calibration): string[] {
  const { expected_calibration_error: error, reliability, accuracy_at_coverage: coverages } = calibration;
  const line = (name: string, ...cells: string[]) => name.padEnd(30) + cells.map((cell) => cell.padStart(14)).join('');
  return [
    '',
    line(`calibration of ${of}`, 'images', 'probability', 'accuracy'),
    ...reliability.map(({ from, to, images, mean_probability: probability, accuracy }) =>
      line(
        `  top probability ${from} .. ${to}`,
        ...[String(images), probability?.toFixed(4) ?? '-', accuracy?.toFixed(4) ?? '-'],
      ),
    ),
    line('  expected error', '', '', decimals(4)(error)),
    '',
    line(`most certain by ${of}`, 'accuracy', 'at least'),
    ...coverages.map(({ coverage, accuracy, least_probability: least }) =>
      line(`  ${100 * coverage} %`, percent(accuracy), decimals(6)(least)),
    ),
  ];
}
