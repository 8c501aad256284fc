/** One run of `air train`: opens data, model and backend, resumes what was begun, and ends with a model. */
import { usage } from '../../cli/command.js';
import type { HostTensors } from '../../core/ops/weights.js';
import { AirError } from '../../errors.js';
import { sealSafetensors } from '../../formats/safetensors.js';
import type { Io } from '../../io/io.js';
import { makeStepper } from '../../threads/steps.js';
import { type Checkpoint, encodeCheckpoint } from '../../train/checkpoint.js';
import type { Settings, TrainConfig } from '../../train/config.js';
import { ImageSums } from '../../train/image-sums.js';
import { Learner } from '../../train/learner.js';
import { diverged, type LoopResult, trainLoop } from '../../train/loop.js';
import { openSource, type SceneSource } from '../../train/source.js';
import { MOST_BYTES, memoryOf } from '../../train/weight-groups.js';
import { readImageInput } from '../shared/image-input.js';
import { accuracyOf, checkGoalOfModel, checkReached, heldOut, reachedIn, reaches } from './goal.js';
import { beginWith, type Init, readInit } from './init.js';
import { checkAgainstCanvas, type RunOptions } from './options.js';
import { makeReporter } from './report.js';
import {
  checkSameRun,
  type RunState,
  readFinished,
  readState,
  removeLeftState,
  retryUnderWay,
  startAs,
} from './resume.js';

/** Trains until the model is done, or until it is time to stop; with another seed if it collapses and may be tried again. */
export async function trainModel(options: RunOptions, asked: Settings, io: Io): Promise<void> {
  const started = io.now();
  const init = options.init === undefined ? undefined : await readInit(options.init, io);
  const ofTry = (retry: number): Settings => ({
    ...asked,
    training: { ...asked.training, seed: asked.training.seed + retry, init: init?.digest ?? '' },
  });
  let retry = await retryUnderWay(options, asked, io);
  const finished = await readFinished(options.output, ofTry(retry), io);
  if (finished) checkGoalOfModel(finished, options);
  let saved = finished ? undefined : await readState(`${options.output}.state`, ofTry(retry), io);

  const source = await openInput(options, ofTry(retry).training, io);
  try {
    if (options.retries > 0 && !Number.isFinite(source.count)) {
      throw usage('--retries: a stream without end cannot begin again', 'give --count N to air gen-data');
    }
    for (;;) {
      const run = { options, asked: ofTry(retry), retry, init, started };
      const collapse = await trainOn(source, { finished, saved }, run, io);
      if (collapse === undefined) return;
      retry++;
      saved = undefined;
      await io.remove(`${options.output}.state`);
      const { seed } = ofTry(retry).training;
      source.reseed(seed);
      io.messages.warn(`begins again with --seed ${seed}, retry ${retry} of ${options.retries}`);
    }
  } finally {
    await source.close();
  }
}

/** One try of a run. */
type Run = {
  options: RunOptions;
  asked: Settings;
  retry: number;
  init: Init | undefined;
  /** When the whole run began, ms. */
  started: number;
};

/** @returns how it fails to count, if it is to be tried again */
async function trainOn(
  source: SceneSource,
  { finished, saved }: { finished: Checkpoint | undefined; saved: RunState | undefined },
  { options, asked, retry, init, started }: Run,
  io: Io,
): Promise<string | undefined> {
  const stateFile = `${options.output}.state`;
  const settings = { ...asked, config: { ...asked.config, canvas: source.canvas } };
  checkAgainstCanvas(settings.config);
  checkSize(settings);
  const earlier = finished ?? saved;
  if (earlier) checkSameRun(earlier, settings, source, options.output);
  if (finished) {
    await removeLeftState(stateFile, settings, io);
    const score = accuracyOf(finished);
    const scored = options.untilAccuracy === undefined || score === undefined ? '' : `, ${heldOut(score)}`;
    io.messages.info(`${options.output} is already trained: ${finished.step} steps${scored}`);
    checkReached(score, finished.step, options);
    return undefined;
  }

  const backend = await startAs(options.backend, saved, options.output);
  const learner = new Learner(settings);
  const sums = new ImageSums(settings);
  if (saved) {
    learner.restore(saved);
    sums.singles = saved.singles ?? [];
    io.messages.info(`going on after step ${saved.step} of ${settings.training.steps}`);
  } else if (init) {
    await beginWith(learner, init, io);
  }
  io.messages.detail(`backend ${backend.name}: ${backend.detail}`);
  io.messages.detail(`${source.count} images of ${source.canvas.join(' x ')} px`);

  let metrics: Checkpoint['metrics'] = saved?.metrics ?? {};
  const checkpoint = async (step: number, withMoments: boolean): Promise<Uint8Array> => {
    const params = await learner.read('params');
    checkFinite(params, step);
    const bytes = encodeCheckpoint({
      ...settings,
      step,
      params,
      ...(withMoments ? { singles: sums.singles, moments: await readMoments(learner) } : {}),
      data: source.digest,
      backend: backend.identity,
      metrics,
      provenance: options.noProvenance ? [] : [...source.provenance, io.commandLine],
    });
    return sealSafetensors(bytes, io.sha256);
  };

  const stepper = await makeStepper(backend, learner, options.workers);
  const reporter = await makeReporter(options, learner, { step: saved?.step ?? 0, retry }, io);
  let collapse: string | undefined;
  const { untilAccuracy } = options;
  const result = await trainLoop(
    { ...settings, done: saved?.step ?? 0 },
    { stepper, nextBatch: (step) => source.batch(options.overfitBatch ? 1 : step, settings.training.batchSize), sums },
    {
      report: options.reportEvery,
      valid: options.valid ? options.validEvery : 0,
      preview: options.previews ? options.previewEvery : 0,
      save: options.saveEvery,
    },
    {
      seconds: () => performance.now() / 1000,
      stopReason: () => {
        if (io.interrupted.aborted) return 'signal';
        if (collapse !== undefined) return 'collapse';
        return options.maxTime !== undefined && io.now() - started > 1000 * options.maxTime ? 'time' : undefined;
      },
      report: reporter.report,
      async validate(step) {
        const { validation, collapse: found } = await reporter.validate(step);
        if (retry < options.retries) collapse = found;
        metrics = { step, count_accuracy: validation.countAccuracy, elbo: validation.terms.elbo };
        return validation;
      },
      isEnough: untilAccuracy === undefined ? undefined : (scored) => reaches(scored.countAccuracy, untilAccuracy),
      preview: reporter.preview,
      async save(step) {
        await stepper.gather();
        await io.writeFileAtomic(stateFile, await checkpoint(step, true));
      },
    },
  ).catch(async (error: unknown) => {
    await reporter.end({ kind: 'failed', says: error instanceof Error ? error.message : String(error) });
    throw error;
  });
  reporter.close();
  await stepper.close();
  const accuracy = result.validation?.countAccuracy;
  const isReached = untilAccuracy !== undefined && reaches(accuracy, untilAccuracy) && result.stopped === undefined;
  if (collapse !== undefined && result.stopped !== 'signal' && !isReached) {
    learner.dispose();
    return collapse;
  }
  if (result.stopped) {
    await reporter.end({ kind: 'stopped' }, result.step);
    throw stopping(result, settings.training.steps, options, io);
  }
  await io.writeFileAtomic(options.output, await checkpoint(result.step, false));
  await io.remove(stateFile);
  learner.dispose();
  await reporter.end({ kind: 'finished', says: reporter.summary(result.step) }, result.step);
  const done = isReached ? `${reachedIn(result.step, (io.now() - started) / 1000, settings, options)}; ` : '';
  io.messages.info(`${options.output}: ${done}${reporter.summary(result.step)} on ${backend.name}`);
  checkReached(accuracy, result.step, options);
  return undefined;
}

/** What the optimiser remembers, by moment. */
async function readMoments(learner: Learner): Promise<{ [moment: string]: HostTensors }> {
  const read = async (moment: string) => [moment, await learner.read(moment)] as const;
  return Object.fromEntries(await Promise.all(learner.momentNames.map(read)));
}

/** @throws AirError 'usage' if the nets would not fit into memory */
function checkSize(settings: Settings): void {
  const { weights, bytes, largest } = memoryOf(settings);
  if (bytes <= MOST_BYTES) return;
  const [needed, most] = [bytes, MOST_BYTES].map((size) => `${(size / 2 ** 30).toFixed(1)} GiB`);
  throw usage(
    `nets of ${weights} weights: training them takes ${needed} of memory, at most ${most} fit`,
    `give smaller sizes of layers: the largest weights are ${largest.name}, ${largest.shape.join(' x ')}`,
  );
}

/** What is saved must be worth going on from. */
function checkFinite(params: HostTensors, step: number): void {
  for (const [name, { values }] of params) {
    if (!values.every(Number.isFinite)) throw diverged(step, `the weights ${name} are no longer finite`);
  }
}

async function openInput(options: RunOptions, { seed, batchSize }: TrainConfig, io: Io): Promise<SceneSource> {
  return openSource(readImageInput(options.input, io), {
    name: options.input,
    seed,
    newHash: io.newHash,
    limit: options.overfitBatch ? batchSize : 0,
  });
}

function stopping({ step, stopped }: LoopResult, steps: number, { output }: RunOptions, io: Io): Error {
  const message = `stopped after step ${step} of ${steps}; saved in ${output}.state`;
  const hint = 'the same command again goes on from there';
  return stopped === 'signal' ? io.interruption(message, hint) : new AirError('stoppedEarly', message, hint);
}
