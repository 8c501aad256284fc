/** The scores of `air probe` in print, and as JSON. */
import type { ProbeScore } from '../../probe/probe.js';
import { percent } from '../../scores/numbers.js';

export type ProbeReport = {
  task: string;
  features: string;
  /** Numbers that stand for a scene. */
  numbers: number;
  /** Scenes to score on, and the share of the class that most of them have. */
  test: number;
  commonest: number;
  scores: ProbeScore[];
};

export function probeTable({ task, features, numbers, test, commonest, scores }: ProbeReport): string {
  const line = (cells: readonly string[]) => cells.map((cell) => cell.padStart(10)).join('');
  return [
    `${task} from ${features} (${numbers} numbers a scene), ${test} test scenes; always the commonest answer: ${percent(commonest)}`,
    '',
    line(['labels', 'accuracy', 'least', 'most', 'network', 'width', 'decay', 'steps']),
    ...scores.map(({ labels, mean, least, most, network, width, weightDecay, steps }) =>
      line([
        ...[String(labels), percent(mean), percent(least), percent(most)],
        ...[network, String(width), String(weightDecay), String(steps)],
      ]),
    ),
    '',
  ].join('\n');
}

/** Everything, keys in snake_case as in other JSON of air. */
export function probeJson({ scores, ...report }: ProbeReport): string {
  const all = scores.map(({ weightDecay, ...score }) => ({ ...score, weight_decay: weightDecay }));
  return `${JSON.stringify({ ...report, scores: all }, null, 2)}\n`;
}
