import { unreachable } from '../domain/unreachable';
import type { ConfigurationRefusal } from './merchant-log';
import { invalidRequest, problem, type ProblemException, shown } from './problem';

const conditions = 'event, page, hostname and properties';

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
    case 'definition-exists':
      return problem(
        409,
        `The merchant ${shown(merchantId)} has a ${refusal.kind} ${shown(refusal.id)} already, another one; change it, or choose another ${refusal.kind}Id`,
        `${refusal.kind}-exists`,
      );
    case 'definition-unknown':
      return problem(404, `The merchant ${shown(merchantId)} has no ${refusal.kind} ${shown(refusal.id)}`, `${refusal.kind}-unknown`);
    case 'too-many-definitions':
      return problem(409, `A merchant may have ${refusal.max} ${refusal.kind}s; remove one first`, `too-many-${refusal.kind}s`);
    case 'too-many-erased-visitors':
      return problem(409, `Of a merchant ${refusal.max} visitors can be erased, and were`, refusal.reason);
    case 'no-condition': {
      const field = refusal.step === undefined ? 'body' : `steps.${refusal.step}`;
      return invalidRequest([{ field, detail: `must have at least one of ${conditions}` }]);
    }
    case 'pattern-invalid':
      return invalidRequest([{ field: 'pattern', detail: `must be ${refusal.allowed}, not ${shown(refusal.pattern)}` }]);
    case 'rate-of-own-currency': {
      const { place, currency } = refusal;
      const detail = `must be another currency than the merchant's, which rates are in units of, not ${shown(currency)}`;
      return invalidRequest([{ field: `rates.${place}.currency`, detail }]);
    }
    case 'rate-given-twice': {
      const { place, rate } = refusal;
      const detail = `must be given once for a currency and a day, and ${rate.currency} from ${rate.from} stands before it`;
      return invalidRequest([{ field: `rates.${place}`, detail }]);
    }
    case 'contended':
      return problem(409, 'Others changed this merchant at the same moment, several times; nothing was changed, try again', refusal.reason);
    default:
      return unreachable(refusal);
  }
}
