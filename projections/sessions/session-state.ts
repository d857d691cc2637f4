import { counted, type Session, type Visitor } from './session';

/** One visitor: key, then its sessions as [id, start, end - start, pageviews, others, values]. */
type StoredVisitor = [string, StoredSession[]];
type StoredSession = [id: string, start: number, length: number, pageviews: number, others: number, values: (string | null)[]];

/** UTF-8 JSON, in the order given: restoring keeps the order of last activity. */
export function encodeVisitors(visitors: readonly Visitor[]): Uint8Array {
  const stored = visitors.map(({ key, sessions }): StoredVisitor => [
    key,
    sessions.map((s): StoredSession => [s.id, s.start, s.end - s.start, s.pageviews, s.others, s.values.map((value) => value ?? null)]),
  ]);
  return new TextEncoder().encode(JSON.stringify(stored));
}

/** At the end of a block every session is counted as it stands, so what is counted need not be stored. */
export function decodeVisitors(bytes: Uint8Array): Visitor[] {
  const stored = JSON.parse(new TextDecoder().decode(bytes)) as StoredVisitor[];
  return stored.map(([key, sessions]) => ({
    key,
    sessions: sessions.map(([id, start, length, pageviews, others, values]) => {
      const session: Session = {
        id,
        start,
        end: start + length,
        pageviews,
        others,
        values: values.map((value) => value ?? undefined),
        counted: undefined,
      };
      session.counted = counted(session);
      return session;
    }),
    joined: [],
    block: 0,
    touch: 0,
  }));
}
