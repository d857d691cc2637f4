import fc from 'fast-check';
import { keepLatest, placeAtOrAfter, stepsMax, stepsOf, timeOf, trailEvent } from '../../../projections/funnels/trail';

/** The last one there is room for. */
const lastTime = Date.parse('2248-01-01T00:00:00Z');
const time = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: lastTime }));
const steps = fc.oneof(fc.constantFrom(1, 2, 3), fc.integer({ min: 1, max: (1 << stepsMax) - 1 }));
const event = fc.record({ time, steps });
const trail = fc
  .array(event, { maxLength: 20 })
  .map((events) => events.map((one) => trailEvent(one.time, one.steps)).sort((a, b) => a - b));

describe('a trail', () => {
  it('has events that are their time and their steps, in order of time', () => {
    fc.assert(
      fc.property(event, event, (a, b) => {
        expect({ time: timeOf(trailEvent(a.time, a.steps)), steps: stepsOf(trailEvent(a.time, a.steps)) }).toEqual(a);
        if (a.time < b.time) expect(trailEvent(a.time, a.steps)).toBeLessThan(trailEvent(b.time, b.steps));
      }),
    );
  });

  it('is entered at the first event that is not before a time', () => {
    fc.assert(
      fc.property(trail, fc.nat(20), time, (events, some, from) => {
        const known = events.slice(0, some);
        const place = known.findIndex((one) => timeOf(one) >= from);
        expect(placeAtOrAfter(events, known.length, from)).toBe(place === -1 ? known.length : place);
      }),
    );
  });

  it('keeps the latest events of each step and tells when it last forgot one', () => {
    fc.assert(
      fc.property(trail, fc.integer({ min: 1, max: 5 }), (events, max) => {
        const kept: number[] = [];
        const forgotten = [-1];
        events.forEach((one, place) => {
          let left = 0;
          for (let step = 0; step < stepsMax; step++) {
            if (((stepsOf(one) >> step) & 1) === 0) continue;
            const later = events.slice(place + 1).filter((other) => ((stepsOf(other) >> step) & 1) === 1);
            if (later.length < max) left |= 1 << step;
            else forgotten.push(timeOf(one));
          }
          if (left !== 0) kept.push(trailEvent(timeOf(one), left));
        });
        const after = events.slice();
        expect(keepLatest(after, max)).toBe(Math.max(...forgotten));
        expect(after).toEqual(kept);
      }),
      { numRuns: 500 },
    );
  });
});
