/** What every kind of plot is: a function from files to a spec. */
import type { Io } from '../../io/io.js';
import type { ChartSpec } from '../../render/chart.js';
import type { Quantity, XAxis } from '../../render/charts/quantities.js';
import type { NamedFile } from '../shared/named-file.js';

export type PlotOptions = {
  x: readonly XAxis[];
  /** Undefined: what there is of the usual ones. */
  y: readonly Quantity[] | undefined;
  title: string | undefined;
};

/** Reads the files and makes a spec of what they hold. */
export type Plot = (files: readonly NamedFile[], options: PlotOptions, io: Io) => Promise<ChartSpec>;
