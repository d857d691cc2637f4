import { catalog } from '../../projections/catalog';
import { dimensionNames, goalMetrics, measuresOf, metrics, placeOf, recentPlaceOf, type Dimension } from '../../projections/metrics';

/** Names of the measures each family of documents holds, and whether it is kept by the minute. */
const families = new Map<string, { measures: Set<string>; minutes: boolean }>();
for (const projection of catalog) {
  const { name } = projection;
  if (projection.kind === 'history') {
    for (const { dimension, base, counters, members, money } of projection.families) {
      const measures = new Set([...counters, ...members, ...money]);
      for (const one of typeof dimension === 'string' ? [dimension] : Object.keys(dimension))
        families.set(one === '' ? name : `${name}.${one}`, { measures, minutes: base === 'minute' });
    }
    continue;
  }
  const measures = new Set(Object.keys(projection.measures));
  if (projection.totals) families.set(name, { measures, minutes: true });
  for (const dimension of Object.keys(projection.dimensions)) families.set(`${name}.${dimension}`, { measures, minutes: false });
  for (const [dimension, items] of Object.entries(projection.itemDimensions)) {
    families.set(`${name}.${dimension}`, { measures: new Set(Object.keys(items.measures)), minutes: false });
  }
}

const definitions = [...Object.entries(metrics), ...Object.entries(goalMetrics).map(([kind, of]) => [`${kind}:g`, of('g')] as const)];
const dimensions: (Dimension | undefined)[] = [undefined, ...dimensionNames.map((name) => ({ name }))];

describe('the table of metrics', () => {
  it.each(definitions)('finds %s where a projection of the catalog keeps it', (_name, definition) => {
    let places = 0;
    for (const measure of measuresOf(definition)) {
      for (const by of dimensions) {
        const place = placeOf(measure, by);
        if (place === undefined) continue;
        places++;
        const family = families.get(place.family);
        expect({ place, holds: family?.measures.has(place.name), minutes: family?.minutes }).toEqual({
          place,
          holds: true,
          minutes: place.finest === 'minute',
        });
      }
    }
    expect(places).toBeGreaterThan(1);
  });

  it.each(['pageviews', 'visitors'])('finds %s by page and minute, of the last hour', (name) => {
    const place = recentPlaceOf(metrics[name]!.of, { name: 'page' })!;
    const kept = catalog.find((projection) => projection.name === place.projection);
    expect(kept).toMatchObject({ kind: 'declared', recent: true, measures: { [name]: expect.anything() as object } });
    expect(families.has(place.family)).toBe(true);
  });

  it('offers every dimension to some metric', () => {
    for (const name of dimensionNames) {
      const possible = definitions.filter(([, definition]) =>
        measuresOf(definition).every((measure) => placeOf(measure, { name }) !== undefined),
      );
      expect([name, possible.length > 0]).toEqual([name, true]);
    }
  });
});
