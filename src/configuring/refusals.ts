import { unreachable } from '../domain/unreachable';
import type { ConfigurationRefusal } from './merchant-log';
import { problem, type ProblemException, shown } from './problem';

/** How a refused order is answered over HTTP. */
export function problemOf(refusal: ConfigurationRefusal, merchantId: string): ProblemException {
  switch (refusal.reason) {
    case 'merchant-exists':
      return problem(409, `A merchant ${shown(merchantId)} exists already; choose another merchantId`, refusal.reason);
    case 'merchant-unknown':
      return problem(404, `There is no merchant ${shown(merchantId)}`, refusal.reason);
    case 'merchant-deleted':
      return problem(409, `The merchant ${shown(merchantId)} was deleted; its id is not given again`, refusal.reason);
    case 'source-unknown':
      return problem(404, `The merchant ${shown(merchantId)} has no source ${shown(refusal.sourceId)}`, refusal.reason);
    case 'token-unknown':
      return problem(404, `The merchant ${shown(merchantId)} has no token ${shown(refusal.tokenId)}`, refusal.reason);
    case 'too-many-sources':
      return problem(409, `A merchant may have ${refusal.max} sources; remove one first`, refusal.reason);
    case 'too-many-tokens':
      return problem(409, `A merchant may have ${refusal.max} tokens; revoke one first`, refusal.reason);
    case 'contended':
      return problem(409, 'Others changed this merchant at the same moment, several times; nothing was changed, try again', refusal.reason);
    default:
      return unreachable(refusal);
  }
}
