/** What sessions are told apart by of what they came through; each is a field of Touch. */
export const touchDimensions = ['channel', 'source', 'medium', 'campaign', 'term', 'content', 'referrer'] as const;
export type TouchDimension = (typeof touchDimensions)[number];

type FirstTouchDimension = `first${Capitalize<TouchDimension>}`;

/** The same of what their visitor's first session came through. */
export const firstTouchDimension = (name: TouchDimension): FirstTouchDimension =>
  `first${name.charAt(0).toUpperCase()}${name.slice(1)}` as FirstTouchDimension;
export const firstTouchDimensions = touchDimensions.map(firstTouchDimension);
