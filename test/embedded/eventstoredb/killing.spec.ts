import { binaryEvent, type EventStoreDBClient } from '@eventstore/db-client';
import { allOf, numbered, Stage } from './stage';

describe('killed under load', () => {
  const stage = new Stage();
  afterAll(() => stage.clear());

  /** mulberry32: the same kills in every run. */
  const seeded = (seed: number) => (): number => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };

  it('has every acknowledged event after each restart, once, in its place', async () => {
    const random = seeded(20_261_122);
    /** Stream → ids in the order of their acknowledged revisions. */
    const acknowledged = new Map<string, Map<bigint, string>>();
    let kills = 0;
    const checkAll = async (client: EventStoreDBClient): Promise<void> => {
      for (const [stream, known] of acknowledged) {
        if (known.size === 0) continue;
        const found = (await allOf(client.readStream(stream))).map(({ event }) => event!.id);
        expect(new Set(found).size).toBe(found.length);
        for (const [revision, id] of known) expect(found[Number(revision)]).toBe(id);
      }
    };
    const appendUntilKilled = async (client: EventStoreDBClient, stream: string, isKilled: () => boolean): Promise<void> => {
      const known = acknowledged.get(stream) ?? new Map<bigint, string>();
      acknowledged.set(stream, known);
      while (!isKilled()) {
        const events = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
          binaryEvent({ type: 'block', data: Buffer.alloc(Math.floor(random() * 20_000), 7) }),
        );
        try {
          const { nextExpectedRevision } = await client.appendToStream(stream, events);
          events.forEach(({ id }, i) => known.set(nextExpectedRevision - BigInt(events.length - 1 - i), id));
        } catch {
          // In flight at the kill: it may be there or not.
          return;
        }
      }
    };
    for (; kills < 8; kills++) {
      const server = await stage.process();
      const client = stage.client(server);
      await checkAll(client);
      await client.appendToStream('warm', numbered(kills));
      let killed = false;
      const writers = Array.from({ length: 8 }, (_, i) => appendUntilKilled(client, `s-${i}`, () => killed));
      await new Promise((resolve) => setTimeout(resolve, 50 + random() * 150));
      killed = true;
      // Every third time it is asked to stop instead: what it acknowledges until then counts as much.
      const asked = kills % 3 === 2;
      expect(await server.kill(asked ? 'SIGTERM' : 'SIGKILL')).toBe(asked ? 0 : null);
      await Promise.all(writers);
    }
    const survivor = await stage.process();
    await checkAll(stage.client(survivor));
    await survivor.kill('SIGTERM');
    expect([...acknowledged.values()].reduce((sum, known) => sum + known.size, 0)).toBeGreaterThan(200);
  });
});
