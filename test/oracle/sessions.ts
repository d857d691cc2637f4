import type { AcceptedEvent } from '../../src/domain/columns';
import type { Goal } from '../../src/domain/definitions';
import { campaignOf } from './acquisition';
import { localDay } from './buckets';
import { byVisitor, given, groupedBy, matches, pageOf, type Merchant } from './events';

/** Its events in order of time, at equal times in order of the log. Never empty. */
export interface Session {
  readonly events: readonly AcceptedEvent[];
  /** "it is the visitor's first: it holds the visitor's earliest event" */
  readonly isNew: boolean;
  /** The visitor's earliest event, with which their first session begins. */
  readonly visitorsFirst: AcceptedEvent;
}

export interface SessionCounts {
  sessions: number;
  bounces: number;
  engagedSessions: number;
  durationMs: number;
  /** Page views in these sessions. */
  pageviews: number;
  newVisitors: number;
}

/** Cuts the events of a merchant that count, in the order of the log. */
export function sessionsOf(events: readonly AcceptedEvent[], merchant: Merchant): Session[] {
  return byVisitor(events).flatMap((ofVisitor) => {
    // A stable sort: of events at the same instant, the first in the log is the first.
    const inOrder = [...ofVisitor].sort((a, b) => a.time - b.time);
    const named = groupedBy(
      inOrder.filter((event) => given(event.sessionId) !== undefined),
      (event) => event.sessionId!,
    );
    const cut = cutUp(
      inOrder.filter((event) => given(event.sessionId) === undefined),
      merchant,
    );
    return [...named, ...cut].map((session) => ({
      events: session,
      isNew: session.includes(inOrder[0]!),
      visitorsFirst: inOrder[0]!,
    }));
  });
}

function cutUp(events: readonly AcceptedEvent[], { timezone = 'UTC', definitions }: Merchant): AcceptedEvent[][] {
  const sessions: AcceptedEvent[][] = [];
  for (const event of events) {
    const session = sessions.at(-1);
    const before = session?.at(-1);
    const belongs =
      session !== undefined &&
      event.time - before!.time <= 30 * 60_000 &&
      (campaignOf(event) === undefined || campaignOf(event) === campaignOf(session[0]!)) &&
      !(definitions?.sessionsEndAtMidnight && localDay(timezone, before!.time) !== localDay(timezone, event.time));
    if (belongs) session.push(event);
    else sessions.push([event]);
  }
  return sessions;
}

export const startOf = ({ events }: Session): number => events[0]!.time;
const durationOf = ({ events }: Session): number => events.at(-1)!.time - events[0]!.time;
const pageViewsOf = ({ events }: Session): AcceptedEvent[] => events.filter((event) => event.name === 'page_view');

const isBounce = ({ events }: Session): boolean => events.length === 1 && events[0]!.name === 'page_view';
function isEngaged(session: Session, goals: readonly Goal[] = []): boolean {
  return (
    pageViewsOf(session).length >= 2 ||
    durationOf(session) >= 10_000 ||
    session.events.some((event) => event.name === 'purchase' || goals.some((goal) => matches(event, goal)))
  );
}

export const entryPageOf = (session: Session): string | undefined => pageOfView(pageViewsOf(session).at(0));
export const exitPageOf = (session: Session): string | undefined => pageOfView(pageViewsOf(session).at(-1));
const pageOfView = (view: AcceptedEvent | undefined): string | undefined => view && pageOf(view);

export function countSessions(sessions: readonly Session[], goals: readonly Goal[] = []): SessionCounts {
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  return {
    sessions: sessions.length,
    bounces: sessions.filter(isBounce).length,
    engagedSessions: sessions.filter((session) => isEngaged(session, goals)).length,
    durationMs: sum(sessions.map(durationOf)),
    pageviews: sum(sessions.map((session) => pageViewsOf(session).length)),
    newVisitors: sessions.filter((session) => session.isNew).length,
  };
}
