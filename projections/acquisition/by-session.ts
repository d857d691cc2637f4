import type { SessionFamily } from '../sessions/session-cells';
import type { Touch } from './touch';

/** What only sessions have: what they came through, what their visitor's first session came through, where they entered and left. */
export const bySession: readonly SessionFamily[] = [
  {
    base: 'quarter',
    dimension: {
      channel: ({ channel }: Touch) => channel,
      source: ({ source }: Touch) => source,
      medium: ({ medium }: Touch) => medium,
      campaign: ({ campaign }: Touch) => campaign,
      term: ({ term }: Touch) => term,
      content: ({ content }: Touch) => content,
      referrer: ({ referrer }: Touch) => referrer,
    },
    keyOf: ({ origin }) => origin.touch,
  },
  {
    base: 'quarter',
    dimension: {
      firstChannel: ({ channel }: Touch) => channel,
      firstSource: ({ source }: Touch) => source,
      firstMedium: ({ medium }: Touch) => medium,
      firstCampaign: ({ campaign }: Touch) => campaign,
      firstTerm: ({ term }: Touch) => term,
      firstContent: ({ content }: Touch) => content,
      firstReferrer: ({ referrer }: Touch) => referrer,
    },
    keyOf: ({ first }) => first,
  },
  { base: 'quarter', dimension: 'entryPage', keyOf: ({ entryPage }) => entryPage },
  { base: 'quarter', dimension: 'exitPage', keyOf: ({ exitPage }) => exitPage },
];
