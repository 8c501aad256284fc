/** Numbers in print: what belongs together stays in one line. */
import { decimals, percent as plain } from '../../scores/numbers.js';

export const percent = (share: number): string => plain(share).replace(' ', '\u00a0');

export const nats = decimals(1);

/** 60000 -> 60,000. */
export const whole = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** A dash for what is not known. */
export function orDash(value: number | null | undefined, format: (value: number) => string): string {
  return value == null ? '–' : format(value);
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${whole(count)} ${count === 1 ? one : many}`;

/** 0:07, 12:40, 3:05:00. */
export function clock(seconds: number): string {
  const all = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (part: number): string => String(part).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
