/** Times in epoch ms. What the documents hold of a session is kept beside it, so that it can be taken back. */
export interface Session {
  /** '' for sessions that the 30-minute rule delimits. */
  readonly id: string;
  start: number;
  end: number;
  pageviews: number;
  others: number;
  /** Dimension values of the earliest event; replaced, never changed. */
  values: DimensionValues;
  /** Changed since it was last counted. */
  changed: boolean;
  /** What is counted; undefined values mean nothing yet. */
  countedValues: DimensionValues | undefined;
  countedStart: number;
  countedBounce: number;
  countedDurationMs: number;
  countedPageviews: number;
}
export type DimensionValues = readonly (string | undefined)[];

export interface Visitor {
  /** 64-bit hash of merchant, visitor and bot flag. */
  readonly hi: number;
  readonly lo: number;
  sessions: Session[];
  /** Sessions that were joined into others and still have to be taken back. */
  joined: Session[] | undefined;
  /** Number of the block that last touched it, and its place in the list of touches since the last take. */
  block: number;
  touch: number;
}

export function newVisitor(hi: number, lo: number, sessions: Session[]): Visitor {
  return { hi, lo, sessions, joined: undefined, block: 0, touch: 0 };
}

export function newSession(id: string, start: number, values: DimensionValues): Session {
  return {
    id,
    start,
    end: start,
    pageviews: 0,
    others: 0,
    values,
    changed: true,
    countedValues: undefined,
    countedStart: 0,
    countedBounce: 0,
    countedDurationMs: 0,
    countedPageviews: 0,
  };
}

export function bounceOf(session: Session): number {
  return session.pageviews === 1 && session.others === 0 ? 1 : 0;
}

/** Records that the documents now hold the session as it stands. */
export function markCounted(session: Session): void {
  session.changed = false;
  session.countedValues = session.values;
  session.countedStart = session.start;
  session.countedBounce = bounceOf(session);
  session.countedDurationMs = session.end - session.start;
  session.countedPageviews = session.pageviews;
}
