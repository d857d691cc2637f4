import { int32At } from '../../src/domain/int32';
import { bson, endOf } from './bson';
import { nothingBeyond, noDocuments, type BucketDocuments, type Merged, type Range } from './bucket-documents';
import { beyondId, documentId, minuteSetMax, valuesPerDocument } from './document';
import { eachValue, idOf, Sides } from './document-bytes';
import { mergeMinutes } from './merge-minutes';
import { mergeRecent } from './merge-recent';
import { mergeValues } from './merge-values';
import { Placement } from './placement';
import type { BucketDelta } from './projection';

/**
 * The documents a delta changes. One that an earlier attempt of the same range already wrote (rev >= r1) is left out; since a value's
 * place depends only on the order of first appearance, and values never move, the others come out as they would have the first time.
 */
export function mergeDelta(delta: BucketDelta, stored: BucketDocuments, range: Range): Merged {
  if (delta.ofMinute !== undefined) return mergeRecent(delta, stored, range);
  return delta.minutes ? mergeMinutes(delta, stored, range) : mergeValues(delta, stored, range);
}

/** The documents of a delta to load next, when those of the rounds before are `loaded`; none: that is all there can be. */
export function idsToLoad(delta: BucketDelta, loaded: readonly Uint8Array[], round: number): string[] {
  if (round === 0) return [documentId(delta.prefix, 0)];
  if (delta.ofMinute !== undefined) return [];
  if (delta.minutes) {
    return round > 1 || loaded[0] === undefined ? [] : fullMinutes(loaded[0]).map((minute) => beyondId(delta.prefix, minute));
  }
  // Chunks fill up one after the other.
  return loaded.length === round && countValues(loaded[round - 1]!) >= valuesPerDocument ? [documentId(delta.prefix, round)] : [];
}

/** What was stored of the documents to load, in that order. */
export function documentsLoaded(delta: BucketDelta, loaded: readonly Uint8Array[]): BucketDocuments {
  if (loaded.length === 0) return noDocuments();
  const placement = new Placement();
  if (delta.minutes) {
    const beyond = new Map(loaded.slice(1).map((document) => [minuteOf(document), document]));
    return { chunks: loaded.slice(0, 1), values: 0, placement, beyond };
  }
  for (const document of loaded) eachValue(document, (v) => placement.put(v, placement.size));
  return { chunks: loaded, values: placement.size, placement, beyond: nothingBeyond };
}

const minuteOf = (beyond: Uint8Array): string => idOf(beyond).slice(-6, -4);

function countValues(document: Uint8Array): number {
  let values = 0;
  eachValue(document, () => values++);
  return values;
}

function fullMinutes(document: Uint8Array): string[] {
  const minutes: string[] = [];
  const sides = new Sides();
  eachValue(document, (minute, at) => {
    const { h, b } = sides.ofValue(document, at);
    if (holdsFullSet(document, h) || holdsFullSet(document, b)) minutes.push(minute);
  });
  return minutes;
}

/** @param measures where they begin; 0: there are none */
function holdsFullSet(document: Uint8Array, measures: number): boolean {
  if (measures === 0) return false;
  const end = measures + int32At(document, measures) - 1;
  for (let at = measures + 4; at < end;) {
    const type = document[at]!;
    const content = document.indexOf(0, at + 1) + 1;
    if (type === bson.bytes && int32At(document, content) > minuteSetMax * 8) return true;
    at = endOf(document, type, content);
  }
  return false;
}
