import * as fs from 'node:fs';

/** What a process used so far: Linux only, from /proc. */
export interface Usage {
  cpuSeconds: number;
  rssPeakMb: number;
}

/** CPU of one process for each event of a run, and its largest memory during the run. */
export interface ProcessFigures {
  cpuUsPerEvent: number;
  rssPeakMb: number;
}

/** Clock ticks a second of /proc/<pid>/stat (USER_HZ). */
const ticksPerSecond = 100;

export function usageOf(pid: number): Usage {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const peak = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond, rssPeakMb: Math.round(Number(peak) / 1024) };
}

/** Peak memory is counted from here on (proc(5): 5 written to clear_refs). */
export function forgetPeak(pid: number): void {
  fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** @param count of events or other units the CPU is divided by */
export function figuresPerEvent(
  before: ReadonlyMap<string, Usage>,
  after: ReadonlyMap<string, Usage>,
  count: number,
): Record<string, ProcessFigures> {
  return Object.fromEntries(
    [...after].map(([name, usage]) => {
      const cpuUsPerEvent = ((usage.cpuSeconds - (before.get(name)?.cpuSeconds ?? 0)) * 1e6) / count;
      return [name, { cpuUsPerEvent: Number(cpuUsPerEvent.toFixed(2)), rssPeakMb: usage.rssPeakMb }];
    }),
  );
}
