import { FlushPace } from '../../src/projecting/flush-pace';

/** A worker whose clock and load the test sets. */
function pace(): { pace: FlushPace; pass: (ms: number, busy: number) => number } {
  let now = 0;
  const loop = { idle: 0, active: 0 };
  const flushPace = new FlushPace(
    { flushEveryMs: 500, flushStretchMax: 5 },
    () => now,
    () => ({ ...loop }),
  );
  const pass = (ms: number, busy: number): number => {
    now += ms;
    loop.active += ms * busy;
    loop.idle += ms * (1 - busy);
    return flushPace.everyMs;
  };
  return { pace: flushPace, pass };
}

describe('the pace of flushes', () => {
  it('slows down while the worker is busy, up to its bound, and recovers when it is idle', () => {
    const { pass } = pace();
    expect(pass(500, 0.3)).toBe(500);
    const busy = Array.from({ length: 10 }, () => pass(500, 0.95));
    expect(busy).toEqual([...busy].sort((a, b) => a - b));
    expect(busy.at(-1)).toBe(2_500);
    const idle = Array.from({ length: 10 }, () => pass(500, 0.1));
    expect(idle.at(-1)).toBe(500);
  });

  it('stays where it is under middling load, and looks at the load twice a second at most', () => {
    const { pass } = pace();
    expect(pass(500, 0.9)).toBe(750);
    expect(pass(500, 0.6)).toBe(750);
    expect(pass(100, 1)).toBe(750);
  });
});
