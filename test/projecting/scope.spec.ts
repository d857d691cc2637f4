import * as fc from 'fast-check';
import { eventsStream } from '../../src/domain/partition';
import { firstSince } from '../../src/projecting/scope';
import type { ReadOptions, RecordedEvent } from '../../src/stores/event-store';
import { InMemoryEventStore } from '../contracts/in-memory-event-store';
import { noon } from './shop-log';

/** What retention leaves of a stream: reading from before its first record begins with that one. */
class Retained extends InMemoryEventStore {
  constructor(
    now: () => number,
    private readonly first: number,
  ) {
    super(now);
  }

  override read(stream: string, options: ReadOptions = {}): AsyncIterable<RecordedEvent> {
    const from = BigInt(Math.max(Number(options.from), this.first));
    return super.read(stream, { ...options, from });
  }
}

it('begins reading a log at the first record since a moment, whatever retention took from its front', async () => {
  const log = fc.record({ afterMs: fc.array(fc.nat(3), { maxLength: 12 }), taken: fc.nat(12), since: fc.integer({ min: -2, max: 30 }) });
  await fc.assert(
    fc.asyncProperty(log, async ({ afterMs, taken, since }) => {
      const first = Math.min(taken, Math.max(0, afterMs.length - 1));
      let now = noon;
      const eventStore = new Retained(() => now, first);
      const times: number[] = [];
      for (const [at, ms] of afterMs.entries()) {
        times.push((now += ms));
        const id = `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
        await eventStore.append(eventsStream(0), [{ id, type: 'event-block.v1', data: new Uint8Array(1), contentType: 'binary' }]);
      }
      const found = times.findIndex((time, at) => at >= first && time >= noon + since);
      const revision = found === -1 ? times.length : found;
      const timeBefore = revision > first ? times[revision - 1]! : 0;
      expect(await firstSince(eventStore, 0, noon + since)).toEqual({ revision, timeBefore });
    }),
    { numRuns: 300 },
  );
});
