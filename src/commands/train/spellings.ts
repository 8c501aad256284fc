/** Pyro's AIR example calls some options otherwise; its command lines work as they stand. */
import type { Spelling } from '../../cli/command.js';

const valued = (name: string, means: string): Spelling => ({ name, means: [means], takes: 'value' });

/** Sizes of layers are separated by blanks there. */
const net = (name: string): Spelling => ({ name, means: [name], takes: 'values' });

export const PYRO_SPELLINGS: readonly Spelling[] = [
  valued('-n', '--steps'),
  valued('--num-steps', '--steps'),
  valued('-lr', '--learning-rate'),
  valued('-blr', '--baseline-learning-rate'),
  valued('-t', '--model-steps'),
  valued('--encoder-latent-size', '--z-what-size'),
  valued('--progress-every', '--report-every'),
  valued('--eval-every', '--valid-every'),
  valued('--load', '--init'),
  valued('--save', '--output'),
  { ...valued('--non-linearity', '--activation'), value: (text) => text.toLowerCase() },
  { name: '--decoder-output-use-sigmoid', means: ['--decoder-output', 'sigmoid'] },
  { name: '--z-pres-prior-raw', means: ['--count-prior', 'trials'] },
  { name: '--no-masking', means: ['--masking', 'off'] },
  { name: '--no-baselines', means: ['--baseline', 'none'] },
  ...['--encoder-net', '--decoder-net', '--predict-net', '--embed-net', '--bl-predict-net'].map(net),
];
