import { AwaitedRebuilds } from '../../src/projecting/awaited-rebuilds';
import { rebuildRecord } from '../stores/rebuild-record';

const times = { briskRoundMs: 10, briskForMs: 2_000, briskLevelMsMax: 60_000 };
const roundMs = 80;
const askedAt = 1_000_000;
const signal = new AbortController().signal;
const rebuild = rebuildRecord({ requestedAt: askedAt });

let now: number;
let level: Set<string>;
let awaited: AwaitedRebuilds;
beforeEach(() => {
  now = askedAt;
  level = new Set();
  awaited = new AwaitedRebuilds(
    times,
    () => now,
    (generationId) => level.has(generationId),
  );
});

/** Whether the next round comes soon, and not after the usual time. */
async function comesSoon(): Promise<boolean> {
  return (await awaited.pause(roundMs, signal)) === 0;
}

it('leaves rounds as they are while nothing is rebuilt', async () => {
  expect(await awaited.pause(roundMs, signal)).toBe(roundMs);
  awaited.follow([{ ...rebuild, state: 'live' }]);
  expect(await awaited.pause(roundMs, signal)).toBe(roundMs);
});

it('makes them short at the begin of a rebuild and at its end, and not while it counts', async () => {
  awaited.follow([rebuild]);
  expect(await comesSoon()).toBe(true);
  now += times.briskForMs;
  expect(await comesSoon()).toBe(false);
  level.add('g2');
  expect(await comesSoon()).toBe(true);
});

it('notices during a pause that the rebuild has become level', async () => {
  awaited.follow([rebuild]);
  now += times.briskForMs;
  setTimeout(() => level.add('g2'), 25);
  expect(await comesSoon()).toBe(true);
});

it('does not look often for a decision of people, nor without end for one of its own', async () => {
  level.add('g2');
  now += times.briskForMs;
  awaited.follow([{ ...rebuild, state: 'caught-up', promote: 'manual' }]);
  expect(await comesSoon()).toBe(false);
  awaited.follow([{ ...rebuild, state: 'caught-up', promote: 'manual', wish: 'promote' }]);
  expect(await comesSoon()).toBe(true);
  now += times.briskLevelMsMax;
  expect(await comesSoon()).toBe(false);
});
