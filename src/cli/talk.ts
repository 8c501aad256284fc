/** Everything said to the person: lines and progress on stderr. stdout is for data only. */

export type Talk = {
  /** One line; silent with -q. */
  info(line: string): void;
  /** One line, only with -v. */
  detail(line: string): void;
  /** One line, also with -q. */
  warn(line: string): void;
  /** A progress line, drawn only on a terminal. `total` may be Infinity; `fields` name what `update` shows beside it. */
  progress(total: number, unit: string, fields?: readonly string[]): Progress;
};

export type Progress = {
  update(done: number, fields?: Readonly<Record<string, string>>): void;
  stop(): void;
};
