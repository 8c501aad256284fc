/** The training loop against a stepper and a world made for it: when it does what, and how it ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { geometricLogProbs } from '#air/core/count.js';
import { elboTerms } from '#air/core/elbo.js';
import { type ImageBatch, joinImages } from '#air/core/images.js';
import type { Outcome } from '#air/core/outcome.js';
import { AirError } from '#air/errors.js';
import { PRESETS } from '#air/presets.js';
import { ImageSums, type SumTally } from '#air/train/image-sums.js';
import { type Cadence, type LoopResult, type Report, trainLoop } from '#air/train/loop.js';
import type { StepPlan } from '#air/train/plan.js';
import { learningRateAt, learningRatesAt, logPriorAt, zPresPriorAt } from '#air/train/schedule.js';
import type { Validation } from '#air/train/validate.js';

const { model: config } = PRESETS.small;
const training = { ...PRESETS.small.training, steps: 10, batchSize: 2 };
const NEVER: Cadence = { report: 0, valid: 0, preview: 0, save: 0 };

/** What a pass says of an image; the log-likelihood is the number given, whatever n. */
function outcome(logLik: number): Outcome {
  return { zPresLogits: [0, 0, 0], logLik: Array(4).fill(logLik), whereKl: [1, 2, 3], whatKl: [4, 5, 6] };
}

type World = {
  cadence?: Partial<Cadence>;
  done?: number;
  /** Outcomes and norm of a step; two images of log-likelihood `step` and `step + 1` if left out. */
  at?: (step: number) => { outcomes: Outcome[]; gradientNorm?: number } | undefined;
  stopAfter?: { step: number; reason: 'signal' | 'time' };
  /** The first step whose validation is enough. */
  enoughAt?: number;
  /** The first step for which there is no batch. */
  noBatchAt?: number;
  /** Where events are written down as well, for a run that fails. */
  heard?: string[];
};

/** A tally of steps alone. */
class CountedSums extends ImageSums {
  private asked = 0;

  override extend(fresh: ImageBatch, step: number) {
    this.asked++;
    return super.extend(fresh, step);
  }

  override takeTally(): SumTally {
    const steps = this.asked;
    this.asked = 0;
    return { ...super.takeTally(), steps };
  }
}

type Log = { plans: StepPlan[]; batches: number[]; events: string[]; reports: Report[]; result: LoopResult };

/** Runs the loop and writes down what it did, in order. */
async function run({
  cadence = {},
  done = 0,
  at = () => undefined,
  stopAfter,
  enoughAt,
  noBatchAt,
  heard = [],
}: World): Promise<Log> {
  const log: Omit<Log, 'result'> = { plans: [], batches: [], events: heard, reports: [] };
  let step = done;
  let clock = 100;
  const result = await trainLoop(
    { config, training, done },
    {
      stepper: {
        async step(batch: ImageBatch, plan) {
          step = plan.step;
          clock += 2;
          log.plans.push(plan);
          log.batches.push(batch.pixels[0]);
          const { outcomes, gradientNorm } = at(step) ?? {
            outcomes: [outcome(step), outcome(step + 1)],
            gradientNorm: 7,
          };
          return { outcomes, fits: [], ...(plan.wantsNorm ? { gradientNorm: gradientNorm ?? 7 } : {}) };
        },
      },
      async nextBatch(wanted) {
        if (wanted === noBatchAt) throw new AirError('badData', 'the input ended');
        return joinImages([Uint8Array.of(wanted), Uint8Array.of(wanted)]);
      },
      sums: new CountedSums({ config: { ...config, canvas: [1, 1] }, training: { ...training, sumPairs: 0 } }),
    },
    { ...NEVER, ...cadence },
    {
      seconds: () => clock,
      stopReason: () => (stopAfter && step >= stopAfter.step ? stopAfter.reason : undefined),
      async report(report) {
        clock += 50; // must not count as training
        log.reports.push(report);
        log.events.push(`report ${report.step}`);
      },
      async validate(validated) {
        log.events.push(`validate ${validated}`);
        return { images: validated } as Validation;
      },
      isEnough: enoughAt === undefined ? undefined : ({ images }) => images >= enoughAt,
      async preview(shown, batch) {
        log.events.push(`preview ${shown} of batch ${batch.pixels[0]}`);
      },
      async save(saved) {
        log.events.push(`save ${saved}`);
      },
    },
  );
  return { ...log, result };
}

describe('from the first step to the last', () => {
  it('asks for each batch once, by its step, with the plan of the schedule', async () => {
    const { plans, batches, events, result } = await run({});
    assert.deepEqual(batches, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    plans.forEach((plan, i) => {
      assert.deepEqual(plan, {
        step: i + 1,
        rates: learningRatesAt(training, i + 1),
        logPrior: logPriorAt({ config, training }, i + 1),
        wantsNorm: false,
        counts: [-1, -1],
      });
    });
    assert.deepEqual(events, [], 'a cadence of 0 is never');
    assert.deepEqual(result, { step: 10, stopped: undefined, validation: undefined });
  });

  it('goes on after the steps that are done', async () => {
    const { batches } = await run({ done: 7 });
    assert.deepEqual(batches, [8, 9, 10]);
  });

  it('has nothing to do when all are done', async () => {
    const { batches, events, result } = await run({ done: 10, cadence: { report: 1, save: 1 } });
    assert.deepEqual([batches, events, result.step], [[], [], 10]);
  });
});

describe('the cadence', () => {
  it('counts from the first step of all, and ends with a report, a validation and a preview', async () => {
    const { events, result } = await run({ cadence: { report: 4, valid: 3, preview: 6, save: 4 } });
    assert.deepEqual(events, [
      'validate 3',
      'report 4',
      'save 4',
      'validate 6',
      'preview 6 of batch 6',
      'report 8',
      'save 8',
      'validate 9',
      'report 10',
      'validate 10',
      'preview 10 of batch 10',
    ]);
    assert.deepEqual(result.validation, { images: 10 });
  });

  it('does not save the last step: that is the model', async () => {
    const { events } = await run({ cadence: { save: 5 } });
    assert.deepEqual(events, ['save 5']);
  });

  it('is the same for a run that goes on', async () => {
    const { events } = await run({ done: 5, cadence: { report: 4, save: 4 } });
    assert.deepEqual(events, ['report 8', 'save 8', 'report 10']);
  });

  it('asks for the norm of the gradient where there is a report', async () => {
    const { plans } = await run({ cadence: { report: 4 } });
    assert.deepEqual(
      plans.filter(({ wantsNorm }) => wantsNorm).map(({ step }) => step),
      [4, 8, 10],
    );
  });
});

describe('a report', () => {
  it('has the means of the batch under the prior of the step, and the time of the steps alone', async () => {
    const { reports } = await run({ cadence: { report: 4 } });
    const [first] = reports;
    const k = zPresPriorAt({ config, training }, 4);
    const [one, other] = [4, 5].map((logLik) => elboTerms(outcome(logLik), geometricLogProbs(k, 3)));
    assert.ok(Math.abs(first.terms.elbo - (one.elbo + other.elbo) / 2) < 1e-12);
    assert.equal(first.terms.logLik, 4.5);
    assert.deepEqual(
      [first.step, first.gradientNorm, first.learningRate, first.zPresPrior],
      [4, 7, learningRateAt(training, training.learningRate, 4), k],
    );
    assert.deepEqual(
      reports.map(({ seconds }) => seconds),
      [8, 16, 20],
    );
  });
});

describe('a report of sums', () => {
  it('tells of the steps since the report before, or since the sitting began', async () => {
    const stepsOf = async (world: World) => (await run(world)).reports.map(({ sums }) => sums.steps);
    assert.deepEqual(await stepsOf({ cadence: { report: 4 } }), [4, 4, 2]);
    assert.deepEqual(await stepsOf({ cadence: { report: 4 }, done: 5 }), [3, 2]);
  });
});

describe('stopping', () => {
  for (const reason of ['signal', 'time'] as const) {
    it(`saves the step just done and says why (${reason})`, async () => {
      const { events, batches, result } = await run({ stopAfter: { step: 6, reason }, cadence: { save: 4 } });
      assert.deepEqual(events, ['save 4', 'save 6']);
      assert.equal(batches.at(-1), 6);
      assert.deepEqual(result, { step: 6, stopped: reason, validation: undefined });
    });
  }

  it('saves once where a save is due anyway', async () => {
    const { events } = await run({ stopAfter: { step: 4, reason: 'time' }, cadence: { save: 4 } });
    assert.deepEqual(events, ['save 4']);
  });

  for (const reason of ['signal', 'time'] as const) {
    it(`is heard while there is no batch, and saves what is done, if anything is (${reason})`, async () => {
      const late = await run({ done: 3, noBatchAt: 7, stopAfter: { step: 6, reason } });
      assert.deepEqual(late.result, { step: 6, stopped: reason, validation: undefined });
      assert.deepEqual(late.events, ['save 6']);
      const atOnce = await run({ done: 6, noBatchAt: 7, stopAfter: { step: 6, reason } });
      assert.deepEqual(atOnce.result, { step: 6, stopped: reason, validation: undefined });
      assert.deepEqual(atOnce.events, []);
    });
  }

  it('saves what is done when the input fails, and fails', async () => {
    const saved: string[] = [];
    const failing = run({ noBatchAt: 7, heard: saved });
    await assert.rejects(failing, (error) => error instanceof AirError && error.kind === 'badData');
    assert.deepEqual(saved, ['save 6']);
    const atOnce = run({ done: 6, noBatchAt: 7, heard: saved });
    await assert.rejects(atOnce);
    assert.deepEqual(saved, ['save 6']);
  });

  it('is too late after the last step: the model is done', async () => {
    const { events, result } = await run({ stopAfter: { step: 10, reason: 'signal' }, cadence: { save: 4 } });
    assert.deepEqual(events, ['save 4', 'save 8']);
    assert.equal(result.stopped, undefined);
  });

  it('lets timers and signals have their turn in every step', async () => {
    let turns = 0;
    const tick = () => {
      turns++;
      timer = setImmediate(tick);
    };
    let timer = setImmediate(tick);
    await run({});
    clearImmediate(timer);
    assert.ok(turns >= 10, `${turns} turns in 10 steps`);
  });
});

describe('a run that is good enough', () => {
  it('ends at the first validation that says so, which has a report and a preview as any last step', async () => {
    const { events, result } = await run({ enoughAt: 5, cadence: { report: 4, valid: 3, preview: 10, save: 3 } });
    assert.deepEqual(events, [
      'report 3',
      'validate 3',
      'save 3',
      'report 4',
      'report 6',
      'validate 6',
      'preview 6 of batch 6',
    ]);
    assert.deepEqual(result, { step: 6, stopped: undefined, validation: { images: 6 } });
  });

  it('is done, even if it is asked to stop in that step', async () => {
    const world = { enoughAt: 6, cadence: { valid: 3 }, stopAfter: { step: 6, reason: 'signal' as const } };
    assert.deepEqual((await run(world)).result, { step: 6, stopped: undefined, validation: { images: 6 } });
  });

  it('looks at no step between validations, and has the last one where none is enough', async () => {
    const { events, result } = await run({ enoughAt: 11, cadence: { valid: 4 } });
    assert.deepEqual(events, ['validate 4', 'validate 8', 'validate 10']);
    assert.deepEqual(result, { step: 10, stopped: undefined, validation: { images: 10 } });
  });
});

describe('divergence', () => {
  const isDiverged = (message: RegExp) => (error: unknown) =>
    error instanceof AirError && error.kind === 'answerIsNo' && message.test(error.message);

  it('ends the run at the step whose ELBO is no number, and names the term', async () => {
    const events: string[] = [];
    const at = (step: number) => {
      events.push(`step ${step}`);
      return step === 3 ? { outcomes: [outcome(1), outcome(Number.NaN)] } : undefined;
    };
    await assert.rejects(run({ at }), isDiverged(/^diverged at step 3: logLik is NaN$/));
    assert.deepEqual(events, ['step 1', 'step 2', 'step 3']);
  });

  it('names an infinite KL', async () => {
    const at = () => ({ outcomes: [{ ...outcome(1), whereKl: [Infinity, 0, 0] }] });
    await assert.rejects(run({ at }), isDiverged(/^diverged at step 1: whereKl is Infinity$/));
  });

  it('sees a gradient that is none, even under a finite ELBO', async () => {
    const at = () => ({ outcomes: [outcome(1)], gradientNorm: Number.NaN });
    await assert.rejects(
      run({ at, cadence: { report: 2 } }),
      isDiverged(/^diverged at step 2: the gradient's norm is NaN$/),
    );
  });
});
