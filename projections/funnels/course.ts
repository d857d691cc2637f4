import type { Funnel } from '../../src/domain/definitions';

/** What of a funnel decides how far a visitor gets, and under which values that is kept. */
export class Course {
  readonly funnelId: string;
  /** 2 to 10. */
  readonly steps: number;
  readonly open: boolean;
  readonly windowMs: number;
  private readonly values: readonly string[];
  /** By step, then by bin: these are many, and told over and over. */
  private readonly timeValues: readonly Map<number, string>[];

  constructor({ funnelId, steps, open, windowSeconds }: Funnel) {
    this.funnelId = funnelId;
    this.steps = steps.length;
    this.open = open;
    this.windowMs = windowSeconds * 1000;
    this.values = steps.map((_, i) => stepValue(funnelId, i + 1));
    this.timeValues = steps.map(() => new Map<number, string>());
  }

  /** The dimension value of a step, from 1, in family `funnels`. */
  valueOf(step: number): string {
    return this.values[step - 1]!;
  }

  /** In `funnels.times`. */
  timeValueOf(step: number, bin: number): string {
    const known = this.timeValues[step - 1]!;
    let value = known.get(bin);
    if (value === undefined) known.set(bin, (value = `${this.valueOf(step)}|${bin}`));
    return value;
  }
}

export const stepValue = (funnelId: string, step: number | ''): string => `${funnelId}|${step}`;

const known = new WeakMap<Funnel, Course>();

export function courseOf(funnel: Funnel): Course {
  let course = known.get(funnel);
  if (course === undefined) known.set(funnel, (course = new Course(funnel)));
  return course;
}
