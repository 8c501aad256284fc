/** Runs that belong together share a colour; a legend names the groups, below the panels. */
import { chartTextWidth } from '../chart-text.js';
import { GROUP_COLORS, GROUP_DASHES } from './theme.js';

const LABEL_SIZE = 11;
/** A symbol, and the space around it. */
const KEY_WIDTH = 40;

/**
 * Encodings by the field `group`, with as many entries of the legend in a row as fit.
 *
 *   groups  in the order of the legend, none twice
 *   width   of what the legend stands below, px
 */
export function groupEncoding(groups: readonly string[], width: number, symbol: 'stroke' | 'circle') {
  const widest = Math.max(...groups.map((name) => chartTextWidth(name, LABEL_SIZE)));
  const columns = Math.max(1, Math.min(groups.length, Math.floor(width / (widest + KEY_WIDTH))));
  const domain = [...groups];
  const color = {
    field: 'group',
    type: 'nominal' as const,
    scale: { domain, range: domain.map((_, k) => GROUP_COLORS[k % GROUP_COLORS.length]) },
    legend:
      groups.length < 2
        ? null
        : { title: null, orient: 'bottom' as const, direction: 'horizontal' as const, columns, symbolType: symbol },
  };
  if (groups.length <= GROUP_COLORS.length) return { color };
  const dashes = domain.map((_, k) => [...GROUP_DASHES[Math.floor(k / GROUP_COLORS.length) % GROUP_DASHES.length]]);
  return {
    color,
    strokeDash: { field: 'group', type: 'nominal' as const, scale: { domain, range: dashes }, legend: color.legend },
  };
}
