/** What a stream's metadata ($$stream) says about which of its events are still visible. */
export interface Retention {
  readonly maxCount?: number;
  readonly maxAgeSeconds?: number;
  /** Events below this revision are not shown. */
  readonly truncateBefore?: number;
  /** $tb at the largest revision: the stream is deleted until something is appended to it again. */
  readonly softDeleted: boolean;
  /** The metadata as stored, kept only while soft-deleted, to be carried over when the stream starts again. */
  readonly source?: string;
}

export const metadataType = '$metadata';
export const metastreamPrefix = '$$';
/** Metadata of a deleted stream, as the server writes it: $tb is the largest 64-bit integer. */
export const deletedMetadata = '{"$tb":9223372036854775807}';

/** Metadata that is not a JSON object sets no retention, as in the server. */
export function parseRetention(json: string): Retention | undefined {
  let metadata: unknown;
  try {
    metadata = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const { $maxCount, $maxAge, $tb } = metadata as Record<string, unknown>;
  const softDeleted = typeof $tb === 'number' && $tb >= Number.MAX_SAFE_INTEGER;
  const maxCount = positive($maxCount);
  const maxAgeSeconds = positive($maxAge);
  const truncateBefore = softDeleted ? undefined : positive($tb);
  if (!softDeleted && maxCount === undefined && maxAgeSeconds === undefined && truncateBefore === undefined) return undefined;
  return {
    ...(maxCount !== undefined && { maxCount }),
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
    ...(truncateBefore !== undefined && { truncateBefore }),
    softDeleted,
    ...(softDeleted && { source: json }),
  };
}

/** Metadata with which a deleted stream starts again at `revision`. */
export function restartedMetadata(retention: Retention, revision: number): string {
  return JSON.stringify({ ...(JSON.parse(retention.source ?? '{}') as object), $tb: revision });
}

/** Back to JSON that parseRetention reads to the same value; for the index files. */
export function formatRetention(retention: Retention): string {
  if (retention.source !== undefined) return retention.source;
  return JSON.stringify({ $maxCount: retention.maxCount, $maxAge: retention.maxAgeSeconds, $tb: retention.truncateBefore });
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined;
}
