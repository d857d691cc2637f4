import { noDocuments, type BucketDocuments } from '../../projections/kit/bucket-documents';
import { DocumentCache } from '../../src/projecting/document-cache';

const cacheOf = (bytesMax: number) => new DocumentCache(bytesMax, () => 1_000);
const documents = (id: string): BucketDocuments => ({ ...noDocuments(), chunks: [Buffer.from(id)] });

it('stays within its bound over all folds and forgets what was not used for longest', () => {
  const cache = cacheOf(10_000);
  const one = cache.shelf(false);
  const other = cache.shelf(false);
  for (let i = 0; i < 5; i++) one.set('traffic_g1', `p${i}`, documents(`p${i}`));
  one.get('traffic_g1', 'p0');
  for (let i = 5; i < 9; i++) other.set('traffic_g1', `p${i}`, documents(`p${i}`));
  expect(cache.bytes).toBeLessThanOrEqual(10_000);
  expect(one.get('traffic_g1', 'p0')).toEqual(documents('p0'));
  expect(one.get('traffic_g1', 'p1')).toBeUndefined();
  expect(other.get('traffic_g1', 'p8')).toEqual(documents('p8'));
  one.clear();
  other.clear();
  expect(cache.bytes).toBe(0);
});

it('needs no look-up for what a fold that began empty never wrote, but one for what it wrote and forgot', () => {
  const shelf = cacheOf(2_500).shelf(true);
  expect(shelf.get('traffic_g2', 'never')).toEqual(noDocuments());
  for (const prefix of ['a', 'b', 'c']) shelf.set('traffic_g2', prefix, documents(prefix));
  expect(shelf.get('traffic_g2', 'a')).toBeUndefined();
  expect(shelf.get('traffic_g2', 'c')).toEqual(documents('c'));
  expect(shelf.get('sessions_g2', 'c')).toEqual(noDocuments());
});
