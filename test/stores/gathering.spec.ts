import { gathering, generationFor, givesWay, isPartOf, supersederOf } from '../../src/stores/gathering';
import type { GenerationRecord, RebuildRecord } from '../../src/stores/records';
import { rebuildRecord } from './rebuild-record';

const rebuild = (projection: string, generationId: string, more: Partial<RebuildRecord> = {}): RebuildRecord =>
  rebuildRecord({ rebuildId: `${generationId}-${projection}`, projection, generationId, ...more });
const generation = (more: Partial<GenerationRecord> = {}): GenerationRecord => ({
  generationId: 'g2',
  projections: [{ name: 'traffic', version: 1 }],
  state: 'building',
  createdAt: 1,
  fingerprint: '',
  ...more,
});

it('joins those of the same scope whose generation has not begun', () => {
  const waiting = [rebuild('traffic', 'g2'), rebuild('commerce', 'g3', { merchantId: 'shop' })];
  expect(generationFor({ projection: 'sessions' }, ['g1'], waiting)).toBe('g2');
  expect(generationFor({ projection: 'sessions', merchantId: 'shop' }, ['g1'], waiting)).toBe('g3');
  expect(generationFor({ projection: 'sessions' }, ['g1', 'g2'], waiting)).toBe('g4');
});

it.each([
  ['another merchant', { merchantId: 'other' }],
  ['other days', { merchantId: 'shop', from: '2026-01-01' }],
  ['other settings', { merchantId: 'shop', settingsRevision: 7 }],
  ['days in other timezones', { merchantId: 'shop', timezonesAt: 5 }],
])('does not join those of %s', (_what, asked) => {
  expect(generationFor({ projection: 'sessions', ...asked }, ['g1'], [rebuild('traffic', 'g2', { merchantId: 'shop' })])).toBe('g3');
});

it('joins no generation in which the projection was asked for already, were it only to be cancelled', () => {
  const rebuilds = [rebuild('traffic', 'g2', { state: 'cancelled' }), rebuild('sessions', 'g2')];
  expect(generationFor({ projection: 'traffic' }, ['g1'], rebuilds)).toBe('g3');
});

it('gives no number twice, whether a generation or only a rebuild has it', () => {
  expect(generationFor({ projection: 'traffic' }, ['g1', 'g7'], [rebuild('traffic', 'g9', { state: 'cancelled' })])).toBe('g10');
});

it('waits for what is building and has no generation', () => {
  const rebuilds = [rebuild('traffic', 'g2'), rebuild('sessions', 'g3'), rebuild('commerce', 'g3', { state: 'failed' })];
  expect(gathering(rebuilds, new Set(['g1', 'g2'])).map(({ projection }) => projection)).toEqual(['sessions']);
});

it('counts a rebuild in a generation only with its projection, version, scope and settings', () => {
  expect(isPartOf(generation(), rebuild('traffic', 'g2'))).toBe(true);
  expect(isPartOf(generation(), rebuild('sessions', 'g2'))).toBe(false);
  expect(isPartOf(generation(), rebuild('traffic', 'g2', { version: 2 }))).toBe(false);
  expect(isPartOf(generation(), rebuild('traffic', 'g2', { merchantId: 'shop' }))).toBe(false);
  const scoped = generation({ scope: { merchantId: 'shop' }, settingsRevision: 3 });
  expect(isPartOf(scoped, rebuild('traffic', 'g2', { merchantId: 'shop', settingsRevision: 3 }))).toBe(true);
  expect(isPartOf(scoped, rebuild('traffic', 'g2', { merchantId: 'shop', settingsRevision: 4 }))).toBe(false);
});

describe('a rebuild that was rolled back', () => {
  const march = { from: '2026-03-01', to: '2026-03-31' };
  const rolledBack = (more: Partial<RebuildRecord> = {}): RebuildRecord =>
    rebuild('traffic', 'g9', { state: 'caught-up', promotedAt: 5, promote: 'manual', ...more });

  it.each<[string, Partial<RebuildRecord>, boolean]>([
    ['gives way', {}, true],
    ['gives way while it is being cancelled', { wish: 'cancel' }, true],
    ['does not while it is about to serve again', { wish: 'promote' }, false],
    ['does not once it serves again', { state: 'live' }, false],
    ['does not where it never served', { promotedAt: undefined }, false],
  ])('%s', (_what, more, expected) => {
    expect(givesWay(rolledBack(more))).toBe(expected);
  });

  it.each<[string, Partial<RebuildRecord>, Partial<RebuildRecord>, boolean]>([
    ['a later one that is building', {}, {}, true],
    ['a later one that has caught up', {}, { state: 'caught-up' }, true],
    ['a later one that serves', {}, { state: 'live' }, true],
    ['none that came to nothing', {}, { state: 'failed' }, false],
    ['none that was cancelled', {}, { state: 'cancelled' }, false],
    ['no earlier one', {}, { generationId: 'g8' }, false],
    ['not itself', {}, { generationId: 'g9', state: 'caught-up' }, false],
    ['none of another projection', {}, { projection: 'sessions' }, false],
    ['none of one merchant, being of everybody', {}, { merchantId: 'shop' }, false],
    ['none of everybody, being of one merchant', { merchantId: 'shop' }, {}, false],
    ['one of the same merchant', { merchantId: 'shop' }, { merchantId: 'shop' }, true],
    ['none of other days', march, { from: '2026-04-01' }, false],
    ['one of some of its days', march, { from: '2026-03-31' }, true],
    ['none that serves only some of its days', march, { from: '2026-03-31', state: 'live' }, false],
    ['one that serves all of its days', march, { to: '2026-04-30', state: 'live' }, true],
  ])('is superseded by %s', (_what, own, other, expected) => {
    // In the order of their ids, not of their numbers.
    const others = [rebuild('traffic', 'g10', other), rolledBack(own)];
    expect(supersederOf(rolledBack(own), others)).toBe(expected ? others[0] : undefined);
  });

  it('is not superseded where it never served, or serves', () => {
    expect(supersederOf(rolledBack({ promotedAt: undefined }), [rebuild('traffic', 'g10')])).toBeUndefined();
    expect(supersederOf(rolledBack({ state: 'live' }), [rebuild('traffic', 'g10')])).toBeUndefined();
  });
});
