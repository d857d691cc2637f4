/** Another worker has taken the partition over: this one must stop, its writes no longer count. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

/** The read model cannot be continued without guessing: it must be counted again from the log. */
export class RebuildNeeded extends Error {
  override readonly name = 'RebuildNeeded';
}

/**
 * The log cannot be folded beyond a record: folding stops there, so that nothing is lost silently, and is tried again from time
 * to time, since the cause is most often a record written by a newer version.
 */
export class FoldStopped extends Error {
  override readonly name = 'FoldStopped';
}

/** The worker asked for the end. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
