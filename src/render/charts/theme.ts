/** What all charts share: dark on white, thin lines, colours that are told apart with any kind of colour blindness, and in print. */
import type { Config } from 'vega-lite';

/** The font that charts are laid out for. Verdana, where it is missing, has nearly its widths. */
export const CHART_FONT = 'DejaVu Sans';
const FONT_FAMILY = `${CHART_FONT}, Verdana, sans-serif`;

const INK = '#222222';
const QUIET = '#555555';
const RULE = '#e4e4e4';

/** Of what is there to compare with: a diagonal, a target. */
export const REFERENCE = '#888888';

/** Groups: after Okabe and Ito 2008, without the yellow, which white swallows. */
export const GROUP_COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#222222'] as const;

/** More groups than colours: the same colours again, in other strokes. */
export const GROUP_DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
] as const;

/** Nothing to much, of one hue: what is dark is much, in grey as well. */
export const SEQUENTIAL = ['#f4f7fb', '#c6dbef', '#6baed6', '#2171b5', '#08306b'] as const;

/** Shares as a person writes them: the label of an axis or a legend. */
export const PERCENT_LABEL = "format(100 * datum.value, '~g') + ' %'";

export const CHART_THEME: Config = {
  background: 'white',
  padding: 12,
  font: FONT_FAMILY,
  view: { stroke: null },
  title: {
    color: INK,
    fontSize: 13,
    fontWeight: 'normal',
    anchor: 'start',
    offset: 10,
    subtitleColor: QUIET,
    subtitleFontSize: 11,
  },
  axis: {
    labelColor: QUIET,
    titleColor: INK,
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
    labelLimit: 0,
    titleLimit: 0,
    labelOverlap: true,
    gridColor: RULE,
    domainColor: QUIET,
    tickColor: QUIET,
    tickSize: 4,
  },
  legend: {
    labelColor: INK,
    titleColor: INK,
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelLimit: 0,
    titleLimit: 0,
    symbolStrokeWidth: 2,
  },
  header: { labelColor: INK, labelFontSize: 12, titleColor: INK, titleFontWeight: 'normal', labelLimit: 0 },
  concat: { spacing: 28 },
  mark: { invalid: 'filter' },
  range: { category: [...GROUP_COLORS] },
};
