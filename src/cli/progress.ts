import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** @param more for the end of the line, such as a rate */
  update(done: number, total?: number, more?: string): void;
  stop(): void;
}

/** A bar on stderr when that is a terminal; otherwise nothing, so that a log of the command stays readable. */
export function progress(label: string, total: number, unit: string): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const format = `${label} {bar} {percentage}% | {value}/{total} ${unit} | {duration_formatted}{more}`;
  const bar = new SingleBar({ format, hideCursor: true, fps: 10 }, Presets.shades_classic);
  let known = total;
  bar.start(total, 0, { more: '' });
  return {
    update: (done, ofTotal = known, more = '') => {
      if (ofTotal !== known) bar.setTotal((known = ofTotal));
      bar.update(Math.min(done, known), { more });
    },
    stop: () => bar.stop(),
  };
}
