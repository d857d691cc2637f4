import { gathering, generationFor, isPartOf } from '../../src/stores/gathering';
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
