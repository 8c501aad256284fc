/**
 * The page that a training with --previews keeps: DIR/index.html, written anew as it goes on. What it costs is bounded: the longer
 * a page took, the later comes the next.
 */

import { type MetricsLine, numberIn } from '../../formats/metrics-log.js';
import type { Io } from '../../io/io.js';
import { keptIn, type LivePage, type LiveState, livePage } from '../../render/html/live.js';
import type { Settings } from '../../train/config.js';
import { liveCharts } from '../shared/charts.js';
import { recipeOf } from '../shared/recipe.js';
import { LIVE_SCRIPT } from './live-script.js';

/** ms between two pages, at least; and of the time that passes, the part that pages may take. */
const PAUSE = 3000;
const SHARE = 0.02;

/** More lines than so many are thinned out: a chart shows no more. */
const MOST_LINES = 600;

/** Fields of the log that the page shows. */
const FIELDS = ['step', 'elbo', 'valid_elbo', 'valid_count_accuracy', 'ms_per_step'] as const;

/** Of a page, what a run goes on with. */
type Kept = { model: string; retry: number; lines: MetricsLine[]; previews: LivePage['previews'] };

type Beginning = { step: number; retry: number };

export class LivePageWriter {
  private readonly folder: string;
  private readonly io: Io;
  private readonly about: Pick<LivePage, 'name' | 'steps' | 'recipe' | 'commandLine' | 'script'>;
  private readonly begun: Beginning & { at: number };
  private readonly kept: Kept;
  private latest: LivePage['latest'];
  private step: number;
  /** When the next page may be made, ms; and whether one with charts was. */
  private next = 0;
  private hasDrawn = false;

  private constructor(
    { folder, model, noProvenance }: { folder: string; model: string; noProvenance: boolean },
    settings: Settings,
    { kept, begun }: { kept: Kept; begun: Beginning },
    io: Io,
  ) {
    this.folder = folder;
    this.io = io;
    this.about = {
      name: model,
      steps: settings.training.steps,
      recipe: recipeOf(settings),
      commandLine: noProvenance ? undefined : io.commandLine,
      script: LIVE_SCRIPT,
    };
    this.begun = { ...begun, at: io.now() };
    this.kept = kept;
    this.step = begun.step;
  }

  /**
   * Goes on with the page that an earlier sitting of the same try left, as far as it had come, or begins a new one.
   *
   * @param logged lines of the log of the sittings before, if there is one: it has all of them
   */
  static async open(
    of: { folder: string; model: string; noProvenance: boolean },
    settings: Settings,
    { begun, logged }: { begun: Beginning; logged: readonly MetricsLine[] },
    io: Io,
  ): Promise<LivePageWriter> {
    await io.makeFolder(of.folder);
    const { model } = of;
    const { step, retry } = begun;
    const before = step === 0 ? undefined : await readKept(`${of.folder}/index.html`, io);
    const isSame = before?.model === model && before.retry === retry;
    const isDone = (one: { step: number }): boolean => one.step <= step;
    const lines = (logged.length > 0 ? logged.map(shown) : isSame ? before.lines : []).filter(isDone);
    const previews = isSame ? before.previews.filter(isDone) : [];
    const page = new LivePageWriter(of, settings, { kept: { model, retry, lines, previews }, begun }, io);
    await page.write({ kind: 'training', secondsLeft: undefined });
    return page;
  }

  /** A line of the log. */
  async add(line: MetricsLine): Promise<void> {
    this.step = line.step;
    this.kept.lines.push(shown(line));
    if (this.kept.lines.length > MOST_LINES) this.kept.lines = thinned(this.kept.lines);
    await this.update();
  }

  /** A picture that stands in the folder now, and what it shows. */
  async show(file: string, latest: Exclude<LivePage['latest'], undefined>): Promise<void> {
    const { step } = latest;
    this.step = step;
    this.latest = latest;
    this.kept.previews = [...this.kept.previews.filter((one) => one.step < step), { step, file }];
    await this.update();
  }

  /** The last page: it stays as it is. */
  async end(state: LiveState, step: number): Promise<void> {
    this.step = step;
    await this.write(state);
  }

  private async update(): Promise<void> {
    const { step, io, begun } = this;
    if (io.now() < this.next) return;
    const perStep = (io.now() - begun.at) / 1000 / (step - begun.step);
    await this.write({ kind: 'training', secondsLeft: perStep * (this.about.steps - step) });
  }

  private async write(state: LiveState): Promise<void> {
    const { io, about, step, latest, kept } = this;
    const start = io.now();
    const last = (field: string): MetricsLine | undefined =>
      kept.lines.findLast((line) => numberIn(line, field) !== undefined);
    const number = (field: string): number | undefined => last(field)?.[field] as number | undefined;
    const scored = last('valid_count_accuracy');
    const charts = await liveCharts(kept.lines);
    const text = livePage({
      ...{ ...about, state, step, latest, previews: kept.previews },
      elbo: number('elbo'),
      accuracy: scored && { share: scored.valid_count_accuracy as number, step: scored.step },
      msPerStep: number('ms_per_step'),
      charts,
      kept: JSON.stringify(kept),
    });
    await io.writeFileAtomic(`${this.folder}/index.html`, new TextEncoder().encode(text));
    const took = io.now() - start;
    // the first chart loads what draws them, once
    this.next = io.now() + (this.hasDrawn ? Math.max(PAUSE, took / SHARE) : PAUSE);
    this.hasDrawn ||= charts.length > 0;
    io.messages.detail(`${this.folder}/index.html: a page in ${took} ms`);
  }
}

function shown(line: MetricsLine): MetricsLine {
  return Object.fromEntries(FIELDS.flatMap((field) => (field in line ? [[field, line[field]]] : []))) as MetricsLine;
}

/** Every other report; validations are few, and stay. */
function thinned(lines: readonly MetricsLine[]): MetricsLine[] {
  return lines.filter((line, k) => k % 2 === 1 || 'valid_elbo' in line || k === 0);
}

async function readKept(file: string, io: Io): Promise<Kept | undefined> {
  if (!(await io.exists(file))) return undefined;
  const kept = keptIn(new TextDecoder().decode(await io.readFile(file)));
  const { model, retry, lines, previews } = (kept ?? {}) as { [name in keyof Kept]?: unknown };
  const isList = (value: unknown): boolean =>
    Array.isArray(value) && value.every((one) => typeof one?.step === 'number');
  if (typeof model !== 'string' || typeof retry !== 'number' || !isList(lines) || !isList(previews)) return undefined;
  return kept as Kept;
}
