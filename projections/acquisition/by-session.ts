import type { SessionFamily } from '../sessions/session-cells';
import type { Touch } from './touch';
import { firstTouchDimension, touchDimensions, type TouchDimension } from './touch-dimensions';

/** The values of a touch by the name of the dimension each counts under. */
const ofTouch = (nameOf: (name: TouchDimension) => string): { [dimension: string]: (touch: Touch) => string } =>
  Object.fromEntries(touchDimensions.map((name) => [nameOf(name), (touch) => touch[name]]));

/** What only sessions have: what they came through, what their visitor's first session came through, where they entered and left. */
export const bySession: readonly SessionFamily[] = [
  { base: 'quarter', dimension: ofTouch((name) => name), keyOf: ({ origin }) => origin.touch },
  { base: 'quarter', dimension: ofTouch(firstTouchDimension), keyOf: ({ first }) => first },
  { base: 'quarter', dimension: 'entryPage', keyOf: ({ entryPage }) => entryPage },
  { base: 'quarter', dimension: 'exitPage', keyOf: ({ exitPage }) => exitPage },
];
