/** Whether a page of this origin may send to a source: an empty list and `*` allow every page. Compared as RFC 6454 writes origins. */
export function isAllowedOrigin(origin: string, allowedOrigins: readonly string[]): boolean {
  if (allowedOrigins.length === 0) return true;
  const asked = normalized(origin);
  return allowedOrigins.some((allowed) => allowed === '*' || normalized(allowed) === asked);
}

const normalized = (origin: string): string => origin.trim().toLowerCase().replace(/\/$/, '');
