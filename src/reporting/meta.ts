import type { Conversion } from './conversion';
import type { Exactness } from './figures';
import type { Standing } from './standing';

/** What every answer says about itself. */
export interface Meta extends Exactness {
  /** ISO 8601: every event the log held at this time is counted. Null while nothing is known to be counted. */
  asOf: string | null;
  /** Whole seconds from `asOf` to now. */
  lagSeconds: number | null;
  /** What counted the first metric. */
  projection: string;
  version: number;
  /** Each projection the answer rests on, where there are several; `asOf` above is the earliest of theirs. */
  projections?: { name: string; version: number; asOf: string | null }[];
  /** True when the filter's dimension had more values than are kept apart, so that some of its numbers may be missing here. */
  overflow?: true;
  /** Where amounts are converted with the merchant's table of rates. */
  conversion?: Conversion;
  /** What the numbers are of has changed and is counted again: these are still of what it was, or zeros where it was not. */
  recounting?: true;
}

export function metaOf(standings: readonly Standing[], exactness: Exactness, now: number): Meta {
  const first = standings[0]!;
  let asOf: number | null = Infinity;
  for (const standing of standings) asOf = asOf === null || standing.asOf === null ? null : Math.min(asOf, standing.asOf);
  const meta: Meta = {
    asOf: iso(asOf),
    lagSeconds: asOf === null ? null : Math.max(0, Math.round((now - asOf) / 1000)),
    projection: first.projection,
    version: first.version,
    ...exactness,
  };
  if (standings.length > 1)
    meta.projections = standings.map(({ projection, version, asOf }) => ({ name: projection, version, asOf: iso(asOf) }));
  return meta;
}

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
