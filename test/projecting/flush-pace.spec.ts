import { FlushPace } from '../../src/projecting/flush-pace';

/** A worker whose clock and load the test sets. */
function pace(): { pass: (ms: number, busy: number, behindMs: number) => number } {
  let now = 0;
  const loop = { idle: 0, active: 0 };
  const flushPace = new FlushPace(
    { flushEveryMs: 500, flushStretchMax: 10, flushLateEveryMs: 60_000 },
    () => now,
    () => ({ ...loop }),
  );
  const pass = (ms: number, busy: number, behindMs: number): number => {
    now += ms;
    loop.active += ms * busy;
    loop.idle += ms * (1 - busy);
    flushPace.folded(behindMs);
    flushPace.folded(0);
    return flushPace.everyMs;
  };
  return { pass };
}

describe('the pace of flushes', () => {
  it('slows down while the worker does not keep up, up to its bound, and recovers when it does', () => {
    const { pass } = pace();
    expect(pass(500, 0.3, 10)).toBe(500);
    const behind = Array.from({ length: 10 }, () => pass(500, 0.95, 3_000));
    expect(behind).toEqual([...behind].sort((a, b) => a - b));
    expect(behind.at(-1)).toBe(5_000);
    const keepsUp = Array.from({ length: 10 }, () => pass(500, 0.95, 100));
    expect(keepsUp.at(-1)).toBe(2_000);
    const idle = Array.from({ length: 10 }, () => pass(500, 0.3, 100));
    expect(idle.at(-1)).toBe(500);
  });

  it('stays within four times the usual pause however busy the worker is, as long as it keeps up', () => {
    const { pass } = pace();
    const busy = Array.from({ length: 10 }, () => pass(500, 1, 300));
    expect(busy).toEqual([...busy].sort((a, b) => a - b));
    expect(busy.at(-1)).toBe(2_000);
  });

  it('becomes as long as the worker is late, up to a minute, and short again at once when it is not', () => {
    const { pass } = pace();
    for (let i = 0; i < 10; i++) pass(500, 0.95, 3_000);
    expect(pass(500, 1, 20_000)).toBe(20_000);
    expect(pass(100, 1, 30_000)).toBe(20_000);
    expect(pass(400, 1, 25_000)).toBe(30_000);
    expect(pass(500, 1, 3_600_000)).toBe(60_000);
    expect(pass(500, 1, 100)).toBeLessThan(5_000);
    expect(pass(500, 1, 20_000)).toBe(20_000);
    expect(pass(500, 0.3, 20_000)).toBeLessThan(5_000);
  });

  it('does not slow down when it is not the worker that is late', () => {
    const { pass } = pace();
    expect(pass(500, 0.5, 60_000)).toBe(500);
  });

  it('stays where it is when it just keeps up, and looks twice a second at most', () => {
    const { pass } = pace();
    for (let i = 0; i < 4; i++) pass(500, 0.9, 2_000);
    expect(pass(500, 0.9, 2_000)).toBeCloseTo(3_797, 0);
    expect(pass(500, 0.9, 700)).toBeCloseTo(3_797, 0);
    expect(pass(100, 1, 4_500)).toBeCloseTo(3_797, 0);
    expect(pass(400, 1, 0)).toBe(5_000);
  });
});
