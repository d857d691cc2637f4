/** The path of a URL or of a bare path, without query and fragment; '/' for an address that has none; undefined for ''. */
export function pathOf(url: string): string | undefined {
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

/** The host of a URL in lower case, without user and port; undefined for a bare path. */
export function hostOf(url: string): string | undefined {
  const scheme = url.indexOf('://');
  // A bare path may carry an address in its query.
  if (scheme <= 0) return undefined;
  for (let i = 0; i < scheme; i++) if (isDelimiter(url.charCodeAt(i))) return undefined;
  let end = scheme + 3;
  let start = end;
  for (; end < url.length; end++) {
    const c = url.charCodeAt(end);
    if (isDelimiter(c)) break;
    if (c === 64 /* @ */) start = end + 1;
  }
  let host = url.slice(start, end).toLowerCase();
  const port = host.lastIndexOf(':');
  // An IPv6 host has colons of its own, inside brackets.
  if (port > host.lastIndexOf(']')) host = host.slice(0, port);
  return host === '' ? undefined : host;
}

const isDelimiter = (c: number): boolean => c === 47 /* / */ || c === 63 /* ? */ || c === 35; /* # */
