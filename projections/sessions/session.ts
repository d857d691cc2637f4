/** Times in epoch ms. `values` are the dimension values of the earliest event. */
export interface Session {
  /** '' for sessions that the 30-minute rule delimits. */
  id: string;
  start: number;
  end: number;
  pageviews: number;
  others: number;
  values: readonly (string | undefined)[];
  /** What the documents hold of it now; undefined before the first block end. */
  counted: Counted | undefined;
}
export interface Counted {
  readonly start: number;
  readonly values: readonly (string | undefined)[];
  readonly bounce: number;
  readonly durationMs: number;
  readonly pageviews: number;
}
export interface Visitor {
  readonly key: string;
  sessions: Session[];
  /** Sessions that were joined into others and still have to be taken back. */
  joined: Session[];
  /** Number of the block that last touched it, and its place in the list of touches since the last take. */
  block: number;
  touch: number;
}

/** What a session adds to the documents as it stands. */
export function counted(session: Session): Counted {
  const bounce = session.pageviews === 1 && session.others === 0 ? 1 : 0;
  return { start: session.start, values: session.values, bounce, durationMs: session.end - session.start, pageviews: session.pageviews };
}
