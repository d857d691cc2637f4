import { parseAddressRange } from './addresses';
import type { Filter } from './definitions';
import { merchantLimits } from './merchant-settings';

export interface PatternRule {
  holds(pattern: string): boolean;
  /** For people: goes on after "must be". */
  readonly allowed: string;
}

const { patternLengthMax } = merchantLimits;
const fits = (pattern: string): boolean => pattern.length >= 1 && pattern.length <= patternLengthMax;

/** What a pattern may look like. One that could never match, such as a page with a query, is refused rather than counting nothing. */
export const patternRules: { readonly [F in Filter['field']]: PatternRule } = {
  page: {
    holds: (pattern) => fits(pattern) && /^[/*][^?#]*$/.test(pattern),
    allowed: `a path of at most ${patternLengthMax} characters beginning with "/" or "*", without "?" and "#"; "*" stands for any text`,
  },
  hostname: {
    // An IPv6 host stands in brackets, and no host comes with its port.
    holds: (pattern) => fits(pattern) && /^(?:[^\s/?#@:[\]]+|\[[0-9a-f:.*]+\])$/i.test(pattern),
    allowed: `a hostname of at most ${patternLengthMax} characters without scheme, port and path; "*" stands for any text`,
  },
  userAgent: {
    holds: (pattern) => fits(pattern) && pattern.trim() !== '',
    allowed: `a text of at most ${patternLengthMax} characters; "*" stands for any text`,
  },
  address: {
    holds: (pattern) => parseAddressRange(pattern) !== undefined,
    allowed: 'an IPv4 or IPv6 address, or a range of them such as 203.0.113.0/24 or 2001:db8::/32',
  },
};
