/**
 * The lower-case host of an absolute URL, without user, port and final dot; undefined where there is none. Read by hand because
 * what browsers and servers send as url and referrer is not always a URL, and must never throw.
 */
export function hostOf(url: string): string | undefined {
  const scheme = url.indexOf('//');
  // `//` of a scheme, or of an address that leaves the scheme open; anywhere else it is part of a path or a query.
  if (scheme === -1 || (scheme > 0 && !/^[a-z][a-z0-9+.-]*:$/i.test(url.slice(0, scheme)))) return undefined;
  const start = scheme + 2;
  let end = start;
  while (end < url.length && !endsAuthority(url.charCodeAt(end))) end++;
  const authority = url.slice(url.lastIndexOf('@', end - 1) >= start ? url.lastIndexOf('@', end - 1) + 1 : start, end);
  const host = authority.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
  return host === '' ? undefined : host;
}

function endsAuthority(code: number): boolean {
  return code === 47 /* / */ || code === 63 /* ? */ || code === 35 /* # */ || code === 92; /* \ */
}
