import { markCounted, newSession, newVisitor, type Visitor } from './session';

/** One visitor: hash lanes, then its sessions as [id, start, end - start, pageviews, others, values]. */
type StoredVisitor = [hi: number, lo: number, sessions: StoredSession[]];
type StoredSession = [id: string, start: number, length: number, pageviews: number, others: number, values: (string | null)[]];

/** UTF-8 JSON, in the order given: restoring keeps the order of last activity. */
export function encodeVisitors(visitors: readonly Visitor[]): Uint8Array {
  const stored = visitors.map(({ hi, lo, sessions }): StoredVisitor => [
    hi,
    lo,
    sessions.map((s): StoredSession => [s.id, s.start, s.end - s.start, s.pageviews, s.others, s.values as (string | null)[]]),
  ]);
  return new TextEncoder().encode(JSON.stringify(stored));
}

/** At the end of a block every session is counted as it stands, so what is counted need not be stored. */
export function decodeVisitors(bytes: Uint8Array): Visitor[] {
  const stored = JSON.parse(new TextDecoder().decode(bytes)) as StoredVisitor[];
  return stored.map(([hi, lo, sessions]) =>
    newVisitor(
      hi,
      lo,
      sessions.map(([id, start, length, pageviews, others, values]) => {
        const session = newSession(
          id,
          start,
          values.map((value) => value ?? undefined),
        );
        session.end = start + length;
        session.pageviews = pageviews;
        session.others = others;
        markCounted(session);
        return session;
      }),
    ),
  );
}
