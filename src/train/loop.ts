/** The training loop: batch, gradients, a step of the optimiser, and now and then a report, a validation, a preview, a save. */
import { type ElboTerms, elboTerms, meanTerms } from '../core/elbo.js';
import type { ImageBatch } from '../core/images.js';
import { AirError } from '../errors.js';
import { ExplainedVariance } from '../scores/variance.js';
import type { Settings } from './config.js';
import { yieldToEventLoop } from './event-loop.js';
import type { ImageSums, SumTally } from './image-sums.js';
import type { Stepper } from './learner.js';
import type { StepPlan } from './plan.js';
import { learningRatesAt, logPriorAt, zPresPriorAt } from './schedule.js';
import type { Validation } from './validate.js';

export type Report = {
  step: number;
  /** Means over the batch, nats. */
  terms: ElboTerms;
  gradientNorm: number;
  learningRate: number;
  zPresPrior: number;
  /** Of the variance of costs, the share that the baseline explains, over the steps of this sitting since the report before. */
  explainedVariance?: number;
  /** What came of making sums of images, over the steps of this sitting since the report before. */
  sums: SumTally;
  /** Wall time of the training steps of this process so far, without validation and saving. */
  seconds: number;
};

/** The user or the system asks for it; the time is over; it does not count and will be tried again. */
export type StopReason = 'signal' | 'time' | 'collapse';

/** What the loop asks of the world; the command supplies it. */
export type TrainPort = {
  /** Seconds on a clock that only goes forward. */
  seconds(): number;
  /** Why to stop after the step just done, if at all; and why there is no batch for the next, if asked to stop. */
  stopReason(): StopReason | undefined;
  report(report: Report): Promise<void>;
  /** Called at `cadence.valid`; the outcome goes into the reports. */
  validate(step: number): Promise<Validation | undefined>;
  /** Whether a model that does so well is what was wanted, so that the step just done is the last. Left out: none is. */
  isEnough?: ((validation: Validation) => boolean) | undefined;
  /** Called at `cadence.preview` with the batch just used. */
  preview(step: number, batch: ImageBatch): Promise<void>;
  /** Makes the state after `step` durable. */
  save(step: number): Promise<void>;
};

/**
 * Every how many steps; 0 is never. The last step has a report and a validation whatever the cadence; where any validation may be
 * the last, each comes with a report.
 */
export type Cadence = { report: number; valid: number; preview: number; save: number };

/** `step` is `done` where a run was stopped before its first batch came, and below `training.steps` where a run was stopped, or was good enough: `stopped` tells which. */
export type LoopResult = { step: number; stopped: StopReason | undefined; validation: Validation | undefined };

/** What a run trains with. */
export type TrainWorks = {
  stepper: Pick<Stepper, 'step'>;
  nextBatch(step: number): Promise<ImageBatch>;
  sums: ImageSums;
};

/**
 * Trains from the step after `done` to `training.steps`, or to the first validation that is enough.
 *
 * @throws AirError 'answerIsNo' when the ELBO is no longer a finite number; what was saved before stays
 */
export async function trainLoop(
  { config, training, done }: Settings & { done: number },
  { stepper, nextBatch, sums }: TrainWorks,
  cadence: Cadence,
  port: TrainPort,
): Promise<LoopResult> {
  const isDue = (step: number, every: number) => every > 0 && (step % every === 0 || step === training.steps);
  const mayBeLast = (step: number) => port.isEnough !== undefined && isDue(step, cadence.valid);
  let seconds = 0;
  let explained = new ExplainedVariance();
  let validation: Validation | undefined;
  for (let step = done + 1; step <= training.steps; step++) {
    let fresh: ImageBatch;
    try {
      fresh = await nextBatch(step);
    } catch (error) {
      if (step - 1 > done) await port.save(step - 1);
      // Ctrl-C in a pipe ends the writer too, and its end may be seen before our own signal.
      await yieldToEventLoop();
      const stopped = port.stopReason();
      if (stopped === undefined) throw error;
      return { step: step - 1, stopped, validation };
    }
    const { batch, counts } = sums.extend(fresh, step);
    const plan: StepPlan = {
      step,
      rates: learningRatesAt(training, step),
      logPrior: logPriorAt({ config, training }, step),
      wantsNorm: isDue(step, cadence.report) || (cadence.report > 0 && mayBeLast(step)),
      counts,
    };
    const start = port.seconds();
    const { outcomes, fits, gradientNorm } = await stepper.step(batch, plan);
    seconds += port.seconds() - start;

    const ofFresh = outcomes.slice(0, fresh.size);
    sums.remember(fresh, ofFresh);
    const terms = meanTerms(ofFresh.map((outcome) => elboTerms(outcome, plan.logPrior)));
    if (!Number.isFinite(terms.elbo)) throw diverged(step, notFinite(terms));
    explained.add(fits);
    if (gradientNorm !== undefined) {
      if (!Number.isFinite(gradientNorm)) throw diverged(step, `the gradient's norm is ${gradientNorm}`);
      const zPresPrior = zPresPriorAt({ config, training }, step);
      const learningRate = plan.rates.model;
      const report = { step, terms, gradientNorm, learningRate, zPresPrior, sums: sums.takeTally(), seconds };
      await port.report(Number.isFinite(explained.share) ? { ...report, explainedVariance: explained.share } : report);
      explained = new ExplainedVariance();
    }
    let isEnough = false;
    if (isDue(step, cadence.valid)) {
      validation = await port.validate(step);
      isEnough = validation !== undefined && port.isEnough?.(validation) === true;
    }
    if (isDue(step, cadence.preview) || (isEnough && cadence.preview > 0)) await port.preview(step, fresh);

    await yieldToEventLoop();
    if (isEnough) return { step, stopped: undefined, validation }; // whoever asks to stop now: it is done
    const stopped = port.stopReason();
    if (stopped && step < training.steps) {
      await port.save(step);
      return { step, stopped, validation };
    }
    if (cadence.save > 0 && step % cadence.save === 0 && step < training.steps) await port.save(step);
  }
  return { step: training.steps, stopped: undefined, validation };
}

/** The error of a run that has left the finite numbers. */
export function diverged(step: number, what: string): AirError {
  return new AirError(
    'answerIsNo',
    `diverged at step ${step}: ${what}`,
    'start again under another name (-o) with a smaller --learning-rate or a longer --warmup',
  );
}

/** The first value that is not finite, in words; the parts of the ELBO before the ELBO. */
function notFinite({ elbo, ...parts }: ElboTerms): string {
  const culprit = Object.entries(parts).find(([, value]) => !Number.isFinite(value));
  return culprit ? `${culprit[0]} is ${culprit[1]}` : `the ELBO is ${elbo}`;
}
