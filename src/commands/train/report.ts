/** What a training run tells while it goes on: a progress line, reports, scores on held-out scenes, pictures. */
import type { ModelConfig } from '../../core/config.js';
import { type ImageBatch, joinImages, splitImages } from '../../core/images.js';
import { infer } from '../../core/infer.js';
import { makeModel } from '../../core/model.js';
import { AirError } from '../../errors.js';
import type { MetricsLine } from '../../formats/metrics-log.js';
import type { Scene } from '../../formats/records.js';
import type { Io } from '../../io/io.js';
import type { LiveState } from '../../render/html/live.js';
import { nameCollapse } from '../../scores/collapse.js';
import { percent } from '../../scores/numbers.js';
import type { Settings } from '../../train/config.js';
import type { Learner } from '../../train/learner.js';
import type { Report } from '../../train/loop.js';
import { isEndless } from '../../train/source.js';
import { type Validation, validate } from '../../train/validate.js';
import { readImageInput } from '../shared/image-input.js';
import { heldOut } from './goal.js';
import type { LivePageWriter } from './live-page.js';
import { openMetricsLog } from './metrics-log.js';
import type { RunOptions } from './options.js';
import { sumsWatch } from './sums-watch.js';

export type Reporter = {
  report(report: Report): Promise<void>;
  /** `collapse`: how it fails to count, in words, if it does so late enough to tell. */
  validate(step: number): Promise<{ validation: Validation; collapse: string | undefined }>;
  preview(step: number, batch: ImageBatch): Promise<void>;
  /** How it ended, in one line. */
  summary(step: number): string;
  close(): void;
  /** Says on the live page how it ended, and after which step: that of the last report, if it is not told. */
  end(state: LiveState, step?: number): Promise<void>;
};

const VALIDATION_BATCH = 256;
const PREVIEW_IMAGES = 10;

export async function makeReporter(
  options: RunOptions,
  learner: Learner,
  { step: resumedAt, retry }: { step: number; retry: number },
  io: Io,
): Promise<Reporter> {
  const { config, training } = learner.settings;
  const valid = options.valid === undefined ? [] : await readValid(options.valid, config, io);
  const { metrics } = options;
  const initial = makeModel(config, learner.params);
  /** With the weights as they are now. */
  const model = () => ({ ...initial, params: learner.params });
  const log =
    metrics === undefined
      ? undefined
      : await openMetricsLog({ file: metrics, model: options.output }, { retry, step: resumedAt }, io);
  const live = await openLivePage(
    options,
    learner.settings,
    { begun: { step: resumedAt, retry }, logged: log?.earlier ?? [] },
    io,
  );
  const tell = async (line: MetricsLine): Promise<void> => {
    await log?.write(line);
    await live?.add(line);
  };
  const progress = io.messages.progress(training.steps, 'steps', ['ELBO', 'accuracy']);
  progress.update(resumedAt);
  let lastReport: Report | undefined;
  let lastValidation: Validation | undefined;
  const watchBaseline = baselineWatch();
  const stepsWithSums = training.steps - Math.max(training.sumFrom - 1, resumedAt);
  const watchSums = sumsWatch(Math.min(options.reportEvery, stepsWithSums));
  return {
    async report(report) {
      const since = lastReport ?? { step: resumedAt, seconds: 0 };
      lastReport = report;
      const { step, terms, gradientNorm, learningRate, zPresPrior, explainedVariance, sums, seconds } = report;
      const sumsPerStep = sums.steps === 0 ? undefined : sums.sums / sums.steps;
      progress.update(step, { ELBO: terms.elbo.toFixed(1) });
      const { elbo, logLik, countKl, whereKl, whatKl } = terms;
      io.messages.detail(
        `step ${step}: ELBO ${elbo.toFixed(1)} = log-likelihood ${logLik.toFixed(1)} - KL of n ${countKl.toFixed(2)}, ` +
          `z_where ${whereKl.toFixed(2)}, z_what ${whatKl.toFixed(2)}; gradient norm ${gradientNorm.toPrecision(3)}` +
          (explainedVariance === undefined ? '' : `; the baseline explains ${percent(explainedVariance)}`) +
          (sumsPerStep === undefined ? '' : `; ${sumsPerStep.toFixed(1)} sums a step`),
      );
      for (const advice of [watchBaseline(explainedVariance), watchSums(step, sums)]) {
        if (advice !== undefined) io.messages.warn(`step ${step}: ${advice}`);
      }
      await tell({
        step,
        elbo,
        log_lik: logLik,
        kl_n: countKl,
        kl_z_where: whereKl,
        kl_z_what: whatKl,
        gradient_norm: gradientNorm,
        learning_rate: learningRate,
        z_pres_prior: zPresPrior,
        ...(explainedVariance === undefined ? {} : { baseline_explains: explainedVariance }),
        ...(sumsPerStep === undefined ? {} : { sums: sumsPerStep }),
        ms_per_step: (1000 * (seconds - since.seconds)) / (step - since.step), // since the report before
      });
    },
    async validate(step) {
      const validation = await validate(model(), valid, { batchSize: VALIDATION_BATCH, seed: training.seed });
      lastValidation = validation;
      const { countAccuracy, sampledCountAccuracy, confusion, terms } = validation;
      progress.update(step, { accuracy: percent(countAccuracy) });
      io.messages.info(
        `step ${step}: ${heldOut(countAccuracy)} (sampled ${percent(sampledCountAccuracy)}), ` +
          `ELBO ${terms.elbo.toFixed(1)}`,
      );
      const collapse = step > training.steps / 3 ? nameCollapse(confusion) : undefined;
      if (collapse !== undefined) io.messages.warn(`step ${step}: ${collapse}`);
      await tell({
        step,
        valid_count_accuracy: countAccuracy,
        valid_sampled_count_accuracy: sampledCountAccuracy,
        valid_confusion: confusion,
        valid_elbo: terms.elbo,
        ...(collapse === undefined ? {} : { collapse }),
      });
      return { validation, collapse };
    },
    async preview(step, batch) {
      const { renderPreview } = await import('../../render/preview.js');
      const scenes: { image: Uint8Array; count?: number }[] = (
        valid.length > 0 ? valid : splitImages(batch).map((image) => ({ image }))
      ).slice(0, PREVIEW_IMAGES);
      const some = joinImages(scenes.map(({ image }) => image));
      const indices = scenes.map((_, i) => i);
      const latents = await infer(model(), some, indices, { mode: 'mean', samples: 0, seed: training.seed });
      const file = `step-${String(step).padStart(6, '0')}.png`;
      await io.writeFileAtomic(`${options.previews}/${file}`, renderPreview(scenes, latents, config.canvas));
      const shown = scenes.map((scene, i) => ({ ...latents[i], ...scene, i }));
      await live?.show(file, { step, shown, canvas: config.canvas, areHeldOut: valid.length > 0 });
    },
    summary(step) {
      const score = lastValidation ? `, ${heldOut(lastValidation.countAccuracy)}` : '';
      const pace = lastReport ? `, ${((1000 * lastReport.seconds) / (step - resumedAt)).toFixed(1)} ms a step` : '';
      return `${step} steps, ELBO ${lastReport?.terms.elbo.toFixed(1)}${score}${pace}`;
    },
    close: () => progress.stop(),
    end: async (state, step = lastReport?.step ?? resumedAt) => live?.end(state, step),
  };
}

async function openLivePage(
  { previews: folder, output: model, noProvenance }: RunOptions,
  settings: Settings,
  before: { begun: { step: number; retry: number }; logged: readonly MetricsLine[] },
  io: Io,
): Promise<LivePageWriter | undefined> {
  if (folder === undefined) return undefined;
  const { LivePageWriter } = await import('./live-page.js');
  return LivePageWriter.open({ folder, model, noProvenance }, settings, before, io);
}

/** Reports in a row in which a baseline may explain nothing before that is said. */
const PATIENCE = 10;

/** Takes what the baseline explained at each report; once it has explained less than nothing for long, says so, once. */
export function baselineWatch(): (explained: number | undefined) => string | undefined {
  let inARow = 0;
  return (explained) => {
    if (explained === undefined) return undefined;
    inARow = explained < 0 ? inARow + 1 : 0;
    if (inARow !== PATIENCE) return undefined;
    return (
      `the baseline explains less than nothing of the costs' variance (${percent(explained)}), for ${PATIENCE} reports: ` +
      'it adds noise (another --baseline-learning-rate, or a --baseline-scalar of the size of the costs)'
    );
  };
}

async function readValid(file: string, config: ModelConfig, io: Io): Promise<Scene[]> {
  const scenes: Scene[] = [];
  for await (const event of readImageInput(file, io)) {
    if (event.type === 'header' && isEndless(event.header)) {
      throw new AirError('badData', `${file}: a stream without end cannot score`, 'give --count N to air gen-data');
    }
    if (event.type === 'header' && event.header.canvas.join() !== config.canvas.join()) {
      const [has, expected] = [event.header.canvas, config.canvas].map((canvas) => canvas.join(' x '));
      throw new AirError('badData', `${file}: images of ${has} px, the model takes ${expected} px`);
    }
    if (event.type === 'record') scenes.push(event.record);
  }
  const blind = scenes.find(({ count }) => count === undefined);
  if (blind || scenes.length === 0) {
    const lack = blind ? `record ${blind.i} has no count` : 'no scenes';
    throw new AirError(
      'badData',
      `${file}: ${lack}, and --valid scores counting`,
      'make some with: air gen-data --split valid',
    );
  }
  return scenes;
}
