import type { Counts } from './oracle';

const quotient = (over: number, under: number): number => (under === 0 ? 0 : over / under);

/** What reports derive from counts. */
export const rates = {
  bounceRate: ({ bounces, sessions }: Counts) => quotient(bounces, sessions),
  engagementRate: ({ engagedSessions, sessions }: Counts) => quotient(engagedSessions, sessions),
  avgSessionSeconds: ({ durationMs, sessions }: Counts) => quotient(durationMs / 1000, sessions),
  viewsPerSession: ({ sessionPageviews, sessions }: Counts) => quotient(sessionPageviews, sessions),
  conversionRate: ({ orders, sessions }: Counts) => quotient(orders, sessions),
  cartAbandonmentRate: ({ buyers, cartVisitors }: Counts) => (cartVisitors === 0 ? 0 : Math.max(0, 1 - buyers / cartVisitors)),
} satisfies Record<string, (counts: Counts) => number>;
