import { Lease, leaseMs } from '../../src/configuring/lease';
import { type LeaseRecord, recordKinds } from '../../src/stores/records';
import { InMemoryReadStore } from '../contracts/in-memory-read-store';

describe('A lease', () => {
  let store: InMemoryReadStore;
  const never = new AbortController().signal;
  const lease = () => new Lease(store.records, 'work');
  const stored = async () => (await store.records.get<LeaseRecord>(recordKinds.leases, 'work'))!;
  /** Holds until the lease is lost or `end` is called. */
  const holdOpen = (held: Lease) => {
    let end!: () => void;
    let begun!: () => void;
    const isHeld = new Promise<void>((resolve) => (begun = resolve));
    const done = held.hold(never, (signal) => {
      begun();
      return new Promise((resolve) => {
        end = resolve;
        signal.addEventListener('abort', () => resolve());
      });
    });
    return { isHeld, done, end: () => end() };
  };

  beforeEach(() => {
    store = new InMemoryReadStore();
    jest.useFakeTimers();
  });
  afterEach(() => jest.useRealTimers());

  it('is held by one at a time, and by the next as soon as it is given back', async () => {
    const first = holdOpen(lease());
    await first.isHeld;
    const work = jest.fn(async () => undefined);
    expect(await lease().hold(never, work)).toBe(false);
    expect(work).not.toHaveBeenCalled();
    first.end();
    expect(await first.done).toBe(true);
    expect(await lease().hold(never, work)).toBe(true);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('is renewed while it is held', async () => {
    const first = holdOpen(lease());
    await first.isHeld;
    await jest.advanceTimersByTimeAsync(10 * leaseMs);
    expect((await stored()).value.until).toBeGreaterThan(Date.now());
    expect(await lease().hold(never, async () => undefined)).toBe(false);
    first.end();
    await first.done;
  });

  it('passes on when its holder died', async () => {
    await store.records.put(recordKinds.leases, 'work', { owner: 'dead', until: Date.now() + leaseMs });
    expect(await lease().hold(never, async () => undefined)).toBe(false);
    jest.setSystemTime(Date.now() + leaseMs);
    expect(await lease().hold(never, async () => undefined)).toBe(true);
  });

  it('ends the work of a holder that lost it, without touching the new one', async () => {
    const first = holdOpen(lease());
    await first.isHeld;
    const taken: LeaseRecord = { owner: 'another', until: Date.now() + 60_000 };
    await store.records.put(recordKinds.leases, 'work', taken);
    await jest.advanceTimersByTimeAsync(leaseMs);
    expect(await first.done).toBe(true);
    expect((await stored()).value).toEqual(taken);
  });

  it('ends the work when it cannot be renewed', async () => {
    const first = holdOpen(lease());
    await first.isHeld;
    store.setUnavailable(true);
    await jest.advanceTimersByTimeAsync(leaseMs);
    expect(await first.done).toBe(true);
  });

  it('is given back when the work fails', async () => {
    await expect(lease().hold(never, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await lease().hold(never, async () => undefined)).toBe(true);
  });
});
