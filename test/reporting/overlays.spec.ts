import { dayOf, dayStart } from '../../projections/kit/zone';
import type { AcceptedEvent } from '../../src/domain/columns';
import type { Breakdown } from '../../src/reporting/breakdown/breakdown';
import type { Timeseries } from '../../src/reporting/timeseries/timeseries';
import { overlayId } from '../../src/stores/overlays';
import { recordKinds, type GenerationRecord, type Overlay } from '../../src/stores/records';
import { Installation } from './installation';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const from = '2025-03-10';
const to = '2025-03-15';
const generations = ['g0', 'g1', 'g2', 'g3', 'g4', 'g5'] as const;
type Generation = (typeof generations)[number];

interface Layer {
  generation: Generation;
  from?: string;
  to?: string;
  withdrawn?: true;
}
const ofAllMerchants: Layer = { generation: 'g5', from: '2025-03-15', to: '2025-03-15' };
const layersOf: Record<string, Layer[]> = {
  'one range': [{ generation: 'g2', from: '2025-03-11', to: '2025-03-12' }],
  'one day': [{ generation: 'g3', from: '2025-03-12', to: '2025-03-12' }],
  'ranges that overlap': [
    { generation: 'g2', from: '2025-03-10', to: '2025-03-13' },
    { generation: 'g3', from: '2025-03-12', to: '2025-03-14' },
    { generation: 'g4', from: '2025-03-11', to: '2025-03-11' },
  ],
  'ranges open to one side': [
    { generation: 'g3', from: '2025-03-14' },
    { generation: 'g2', to: '2025-03-11' },
  ],
  'a range, then everything, then another range': [
    { generation: 'g2', from: '2025-03-10', to: '2025-03-12' },
    { generation: 'g3' },
    { generation: 'g4', from: '2025-03-12', to: '2025-03-13' },
  ],
  'a range that was taken back, and one older than what serves,': [
    { generation: 'g2', from: '2025-03-11', to: '2025-03-12', withdrawn: true },
    { generation: 'g0', from: '2025-03-10', to: '2025-03-15' },
  ],
};
const shops = ['UTC', 'Asia/Kolkata'].flatMap((timezone) =>
  Object.keys(layersOf).map((layers, i) => ({ merchantId: `${timezone.toLowerCase().replace('/', '-')}-${i}`, timezone, layers })),
);

/** Generation n counts n views of as many visitors in either half of every third hour, so that every number tells where it was read. */
const viewsIn = (generation: Generation): number => Number(generation.slice(1));
const first = Date.parse(`${from}T00:00:00Z`) - dayMs;
const times = Array.from({ length: 8 * 8 }, (_, n) => first + n * 3 * hourMs).flatMap((hour) => [
  hour + 10 * minuteMs,
  hour + 40 * minuteMs,
]);
const timesADay = 16;
const isBusy = (hour: number): boolean => hour % (3 * hourMs) === 0;

const installation = new Installation();
beforeAll(async () => {
  for (const { merchantId, timezone } of shops) await installation.register(merchantId, { timezone });
  await installation.serve('g1');
  const timezones = Object.fromEntries(shops.map(({ merchantId, timezone }) => [merchantId, timezone]));
  for (const generation of generations) {
    const { value } = (await installation.store.records.get<GenerationRecord>(recordKinds.generations, 'g1'))!;
    await installation.store.records.put(recordKinds.generations, generation, { ...value, generationId: generation });
    const events = shops.flatMap(({ merchantId }) =>
      times.flatMap((time, at) =>
        Array.from({ length: viewsIn(generation) }, (_, v): AcceptedEvent => {
          const visitorId = `${generation}-${v}`;
          return { merchantId, id: `${at}-${v}`, name: 'page_view', visitorId, time, receivedAt: time, url: `/${generation}` };
        }),
      ),
    );
    await installation.count(events, timezones, generation);
  }
  const put = async (merchantId: string | undefined, layer: Layer): Promise<void> => {
    const { generation: generationId, withdrawn, ...days } = layer;
    const scope = { ...(merchantId !== undefined && { merchantId }), ...days };
    for (const projection of ['traffic', 'content']) {
      const overlay: Overlay = { projection, generationId, version: 1, scope, since: 1, ...(withdrawn && { withdrawnAt: 1 }) };
      await installation.store.records.put(recordKinds.overlays, overlayId(overlay), overlay);
    }
  };
  for (const { merchantId, layers } of shops) for (const layer of layersOf[layers]!) await put(merchantId, layer);
  await put(undefined, ofAllMerchants);
  await installation.start();
});
afterAll(() => installation.stop());

describe.each(shops)('with $layers counted again of $merchantId, in $timezone,', ({ merchantId, timezone, layers }) => {
  /** The youngest that is read of what overlaps a span: whoever counted a range counted all of every bucket that touches it. */
  const readFrom = (start: number, end: number): Generation => {
    const touching = [...layersOf[layers]!, ofAllMerchants].filter((layer) => {
      const begins = layer.from === undefined ? -Infinity : dayStart(timezone, layer.from);
      const ends = layer.to === undefined ? Infinity : dayStart(timezone, dayOf('UTC', Date.parse(layer.to) + dayMs));
      return !layer.withdrawn && layer.generation > 'g1' && begins < end && ends > start;
    });
    return touching.reduce<Generation>((youngest, { generation }) => (generation > youngest ? generation : youngest), 'g1');
  };
  const days = Array.from({ length: 6 }, (_, n) => dayStart(timezone, dayOf('UTC', Date.parse(from) + n * dayMs)));
  const ofDays = days.map((start) => readFrom(start, start + dayMs));

  it('each day is read from the youngest that counted it', async () => {
    const metrics = 'pageviews,visitors';
    const { rows, totals } = await installation.report<Timeseries>(merchantId, 'timeseries', { metrics, from, to, interval: 'day' });
    expect(rows.map(({ pageviews }) => pageviews)).toEqual(ofDays.map((generation) => timesADay * viewsIn(generation)));
    expect(rows.map(({ visitors }) => visitors)).toEqual(ofDays.map(viewsIn));
    const visitors = [...new Set(ofDays)].reduce((sum, generation) => sum + viewsIn(generation), 0);
    expect(totals).toEqual({ pageviews: ofDays.reduce((sum, generation) => sum + timesADay * viewsIn(generation), 0), visitors });
  });

  it.each([['hour'], ['minute']])('each %s is read from the youngest that counted its hour', async (interval) => {
    // The second evening of UTC, in which a day of India begins: at half past, within an hour of UTC.
    const span = interval === 'hour' ? {} : { from: '2025-03-11T16:00:00Z', to: '2025-03-12T02:00:00Z' };
    const query = { metrics: 'pageviews', from, to, timezone: 'UTC', interval, ...span };
    const { rows } = await installation.report<Timeseries>(merchantId, 'timeseries', query);
    const hourOf = (time: string): number => Math.floor(Date.parse(time) / hourMs) * hourMs;
    const busy = rows.filter(({ time }) => isBusy(hourOf(time)) && (interval === 'hour' || new Date(time).getUTCMinutes() % 30 === 10));
    const each = interval === 'hour' ? 2 : 1;
    const expected = busy.map(({ time }) => {
      const hour = hourOf(time);
      return { time, pageviews: each * viewsIn(readFrom(hour, hour + hourMs)) };
    });
    expect(busy).toEqual(expected);
    expect(busy.length).toBe(interval === 'hour' ? 6 * 8 : 6);
  });

  it('a breakdown is put together of the days of each', async () => {
    const query = { dimension: 'page', metrics: 'pageviews', from, to, orderBy: 'value' };
    const { rows } = await installation.report<Breakdown>(merchantId, 'breakdown', query);
    const expected = [...new Set(ofDays)].sort().map((generation) => {
      const read = ofDays.filter((one) => one === generation).length;
      return { value: `/${generation}`, pageviews: timesADay * read * viewsIn(generation) };
    });
    expect(rows).toEqual(expected);
  });
});
