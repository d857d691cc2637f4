import { dimensionNames, goalMetrics, metrics } from '../../projections/metrics';
import { nameOf, readDimension, readFilter } from '../../src/reporting/dimension';
import { readMetrics, type MetricList } from '../../src/reporting/metric-list';
import { planOf, type Plan } from '../../src/reporting/plan';
import { isUnanswered } from '../../src/reporting/refusal';

const goals = [{ goalId: 'signup' }, { goalId: 'big-order' }];

function plan(metricNames: string, dimension?: string): Plan {
  const list = readMetrics(metricNames, goals) as MetricList;
  expect(isUnanswered(list)).toBe(false);
  const by = dimension === undefined ? undefined : readDimension('dimension', dimension);
  if (by !== undefined && isUnanswered(by)) throw new Error(by.detail);
  const made = planOf(list, by);
  if (isUnanswered(made)) throw new Error(made.detail);
  return made;
}
const families = (metricNames: string, dimension?: string): string[] => plan(metricNames, dimension).families.map(({ family }) => family);

describe('where a metric is read', () => {
  it.each([
    ['sessions', undefined, ['sessions']],
    ['sessions', 'country', ['sessions.country']],
    ['sessions', 'channel', ['acquisition.channel']],
    ['newVisitors,engagementRate', 'hostname', ['sessions.hostname']],
    ['pageviews,visitors', undefined, ['traffic']],
    ['pageviews,visitors', 'channel', ['acquisition.channel']],
    ['pageviews', 'language', ['audience.language']],
    ['pageviews', 'title', ['content.title']],
    ['revenue,tax', 'country', ['commerce.country']],
    ['revenue,orders', 'entryPage', ['acquisition.entryPage']],
    ['revenue', 'brand', ['commerce.brand']],
    ['productViews,addToCarts,orders', 'category', ['commerce.category']],
    ['productViews,addToCarts', undefined, ['content.event', 'commerce']],
    ['conversionRate', 'browser', ['commerce.browser', 'sessions.browser']],
    ['conversionRate,visitors,cartAbandonmentRate', 'campaign', ['acquisition.campaign']],
    ['events', 'property:color', ['content.property']],
    ['goal:signup,goalVisitors:signup,goal:big-order', undefined, ['goals', 'goals']],
    ['goalValue:big-order,pageviews', 'language', ['goals.language', 'audience.language']],
    ['goalValue:big-order,revenue', 'firstSource', ['conversions.firstSource', 'acquisition.firstSource']],
  ] as const)('%s by %s', (names, dimension, expected) => {
    expect(families(names, dimension)).toEqual(expected);
  });

  it('reads a measure once that several metrics are made of', () => {
    expect(plan('sessions,bounceRate,conversionRate,orders').slots).toHaveLength(3);
  });

  it('tells goals and properties apart by what values begin with', () => {
    // In total each goal is read for itself, since each has documents of its own for its minutes.
    expect(plan('goal:signup,goalVisitors:signup,goal:big-order').families).toMatchObject([
      { label: 'signup', picks: [{ prefix: 'signup', slots: new Map(Object.entries({ completions: 0, completers: 1 })) }] },
      { label: 'big-order', picks: [{ prefix: 'big-order', slots: new Map(Object.entries({ completions: 2 })) }] },
    ]);
    expect(plan('goal:signup,goal:big-order', 'country').families).toHaveLength(1);
    expect(plan('goal:signup', 'page').families[0]!.picks.map(({ prefix }) => prefix)).toEqual(['signup|']);
    expect(plan('events', 'property:color').families[0]!.picks.map(({ prefix }) => prefix)).toEqual(['color=']);
  });

  it('has orders as one number, and by currency where amounts are divided by them', () => {
    expect(plan('orders,conversionRate').slots).toEqual(['counter', 'counter']);
    expect(plan('orders,averageOrderValue').slots).toEqual(['countByCurrency', 'money']);
  });

  it('is one place in total for every metric, two where it compares orders with sessions', () => {
    const offered = [...Object.keys(metrics), ...Object.keys(goalMetrics).map((kind) => `${kind}:signup`)];
    for (const name of offered) expect([name, plan(name).families.length]).toEqual([name, name === 'conversionRate' ? 2 : 1]);
  });
});

describe('a request', () => {
  const refusal = (names: string, dimension?: string): string => {
    const list = readMetrics(names, goals);
    if (isUnanswered(list)) return list.detail;
    const by = dimension === undefined ? undefined : readDimension('dimension', dimension);
    if (by !== undefined && isUnanswered(by)) return by.detail;
    const made = planOf(list, by);
    if (!isUnanswered(made)) throw new Error('not refused');
    return made.detail;
  };

  it('names the goals there are when it asks for another', () => {
    expect(refusal('goal:checkout')).toBe("there is no goal 'checkout'; there are signup, big-order");
    expect(readMetrics('goalValue:x', [])).toMatchObject({ detail: "there is no goal 'x'; the merchant has none" });
    expect(refusal('goals:signup')).toMatch(/'goals:signup' is unknown; allowed are pageviews, .*goal:<id>, goalVisitors:<id>/);
    expect(refusal('goal:')).toMatch(/there is no goal ''/);
    expect(refusal('__proto__:x')).toMatch(/unknown/);
  });

  it('is told by what a metric is counted where it is not counted by what was asked for', () => {
    expect(refusal('goal:signup', 'product')).toMatch(/^'goal:signup' is not counted by product; it is counted by page, .*country/);
    expect(refusal('orders,bounceRate', 'product')).toMatch(/^'bounceRate' is not counted by product; it is counted by entryPage/);
    expect(refusal('productViews', 'page')).toBe("'productViews' is not counted by page; it is counted by product, category, brand");
    expect(refusal('orders', 'property:color')).toMatch(/'orders' is not counted by property:color/);
  });

  it('names every dimension as answers name it', () => {
    for (const name of dimensionNames) {
      const asked = name === 'property' ? 'property:a=b' : name;
      const read = readDimension('dimension', asked);
      expect(isUnanswered(read) ? read.detail : nameOf(read)).toBe(asked);
    }
    expect(readDimension('dimension', 'property')).toMatchObject({ unanswered: 'refused' });
    expect(readDimension('dimension', 'property:')).toMatchObject({ unanswered: 'refused' });
  });

  it('filters by any of them, whatever the value holds', () => {
    expect(readFilter('property:color==a==b,c')).toEqual({ dimension: { name: 'property', property: 'color' }, value: 'a==b,c' });
    expect(readFilter('campaign==')).toEqual({ dimension: { name: 'campaign' }, value: '' });
    expect(readFilter('country==US,property:color==red')).toMatchObject({ detail: expect.stringMatching(/takes one condition/) });
  });
});
