import type { TextDimension } from './projection';
import { userAgentOf } from './visitors';

const notSet = '(not set)';

/** The path of a URL or of a bare path, without query and fragment; '/' for an address that has none. */
function pathOf(url: string): string | undefined {
  if (url === '') return undefined;
  let end = url.length;
  for (let i = 0; i < url.length; i++) {
    const c = url.charCodeAt(i);
    if (c === 63 /* ? */ || c === 35 /* # */) {
      end = i;
      break;
    }
  }
  const scheme = url.charCodeAt(0) === 47 /* / */ ? -1 : url.indexOf('://');
  if (scheme === -1 || scheme > end) return end === 0 ? '/' : url.slice(0, end);
  const path = url.indexOf('/', scheme + 3);
  return path === -1 || path >= end ? '/' : url.slice(path, end);
}

export const byPage: TextDimension = { field: 'url', valueOf: pathOf };
export const byCountry: TextDimension = { field: 'country', valueOf: (country) => (country === '' ? notSet : country) };
export const byDevice: TextDimension = { field: 'userAgent', valueOf: (text) => userAgentOf(text).device };
