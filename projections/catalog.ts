import { acquisition } from './acquisition/acquisition';
import { audience } from './audience/audience';
import { commerce } from './commerce/commerce';
import { content } from './content/content';
import { conversions } from './conversions/conversions';
import { funnels } from './funnels/funnels';
import { goals } from './goals/goals';
import type { ProjectionDefinition } from './kit/projection';
import { live } from './live/live';
import { retention } from './retention/retention';
import { sessions } from './sessions/sessions';
import { traffic } from './traffic/traffic';

export type { ProjectionDefinition } from './kit/projection';

/** Every projection that is counted, in one list. */
export const catalog: readonly ProjectionDefinition[] = [
  traffic,
  sessions,
  acquisition,
  audience,
  content,
  live,
  commerce,
  goals,
  conversions,
  retention,
  funnels,
];
