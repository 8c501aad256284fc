/** `air plot`: what runs and scores say, as a chart. */
import { defineCommand, flagName, int, list, type Option, usage, valued } from '../../cli/command.js';
import { nearest } from '../../cli/nearest.js';
import { AirError } from '../../errors.js';
import { writtenAs } from '../../io/output-kinds.js';
import { QUANTITIES, X_AXES } from '../../render/charts/quantities.js';
import { parseNamedFile } from '../shared/named-file.js';
import { output } from '../shared/options.js';
import { KINDS, WHATS, type What } from './kinds.js';
import type { PlotOptions } from './plot.js';

const title: Option<string | undefined> = valued<string>({
  value: 'TEXT',
  group: 'Picture',
  defaultText: 'none',
  expects: 'a text',
  help: 'what stands above it',
  parse: (text) => (text.trim() === '' ? undefined : text),
});

export const plot = defineCommand({
  name: 'plot',
  summary: 'draw training curves and scores, as SVG or PNG',
  description: `WHAT says what FILEs are, and what becomes of them:

    training: logs of air train --metrics. A panel for each of --y, against each of --x; a thin line for each log. Those that
    are given the same NAME, say seeds of one recipe, share a colour and a line of the legend. Time is that of training
    steps, without validation and saving.

    scan: a stream of latents. For each step of the model, where on the canvas the objects lie that it finds.

    confusion: latents with truth, or what air eval --json says of them. Images by their true count and the inferred one.

    calibration: the same. Of images of which the model is so sure, how many does it count right: q(n), and the evidence where
    there is any (air infer --samples).

    The same files give the same bytes on every machine.`,
  operands: [
    { name: 'WHAT', help: `one of ${WHATS.join(', ')}`, required: true },
    { name: 'FILE', help: 'as WHAT says, each as FILE or NAME=FILE; none or - is stdin', many: true },
  ],
  options: {
    x: list(X_AXES, { default: ['steps'], group: 'Training', help: 'against what: columns of panels' }),
    y: list(QUANTITIES, {
      group: 'Training',
      defaultText: 'elbo,accuracy, if there are any',
      help: 'what: rows of panels',
    }),
    title,
    width: int({
      min: 100,
      max: 8192,
      value: 'PX',
      group: 'Picture',
      defaultText: 'as WHAT needs; a PNG twice that',
      help: 'width of the picture, with all that is in it',
    }),
    output: output({ help: 'write it here; the ending, .svg or .png, says as what', defaultText: 'stdout, as SVG' }),
  },
  examples: [
    { command: 'air plot training metrics.jsonl -o training.svg', help: 'one run: ELBO, and held-out accuracy' },
    {
      command: 'air plot training --x steps,time sums=a-0.jsonl sums=a-1.jsonl nvil=b-0.jsonl -o runs.png',
      help: 'two recipes, one of them with two seeds, against steps and time',
    },
    { command: 'air infer air.safetensors test.air | air plot scan -o scan.svg', help: 'where does each step look?' },
    {
      command:
        'air eval --model air.safetensors test.air --samples 20 --json | air plot calibration -o calibration.png',
      help: 'can its probabilities be believed?',
    },
    { command: 'air plot confusion one=a.json two=b.json -o confusion.svg', help: 'two models side by side' },
  ],
  seeAlso: ['train', 'infer', 'eval', 'render'],
  async run({ options, operands, given }, io) {
    const what = parseWhat(operands.WHAT);
    checkOwn(what, given);
    const kind = writtenAs(options.output, ['svg', 'png']);
    const isPng = kind === 'png';
    const out = await io.openOutput(options.output, kind);
    const names = operands.FILE.length === 0 ? ['-'] : operands.FILE;
    const files = await Promise.all(names.map((name) => parseNamedFile(name, io)));
    const draw = await KINDS[what].load();
    const spec = await draw(files, options, io);
    const { chartPng, chartSize, chartSvg, MAX_CHART_SIDE, PNG_SCALE, resizeChart } = await import(
      '../../render/chart.js'
    );
    const drawn = await chartSvg(spec);
    const width = options.width ?? chartSize(drawn).width * (isPng ? PNG_SCALE : 1);
    const svg = resizeChart(drawn, width);
    const size = chartSize(svg);
    if (isPng && Math.max(size.width, size.height) > MAX_CHART_SIDE) {
      throw new AirError(
        'usage',
        `a picture of ${size.width} x ${size.height} pixels is too large`,
        'give a smaller --width',
      );
    }
    await out.write(isPng ? await chartPng(svg, 1) : svg);
    await out.finish();
    io.messages.info(
      `${what}: ${files.length === 1 ? '1 file' : `${files.length} files`}, ${size.width} x ${size.height} px`,
    );
  },
});

function parseWhat(text: string): What {
  const what = WHATS.find((one) => one === text);
  if (what !== undefined) return what;
  const guess = nearest(text, WHATS);
  throw usage(
    `WHAT: expected one of ${WHATS.join(', ')}, got '${text}'`,
    guess === undefined ? 'WHAT comes first, then the files' : `did you mean ${guess}?`,
  );
}

/** @throws AirError 'usage' for an option that is of another kind of plot */
function checkOwn(what: What, given: ReadonlySet<string>): void {
  for (const other of WHATS) {
    const key = KINDS[other].own.find((own: keyof PlotOptions) => given.has(own));
    if (key !== undefined && other !== what) throw usage(`--${flagName(key)} is for ${other}, not for ${what}`);
  }
}
