import { createHash } from 'node:crypto';
import { limits } from '../../protocol/limits';
import type { TrackedEvent } from '../../sdk';
import type { LogLine } from './line';

const pageExtensions: readonly string[] = ['html', 'htm', 'xhtml', 'php'];

/**
 * A page view is a GET answered with 200 or 304 whose path names a page: no extension in the last segment of the path before `?`,
 * or one of html, htm, xhtml, php. Every other line is a `request`.
 */
export function isPageView(line: Pick<LogLine, 'method' | 'status' | 'target'>): boolean {
  if (line.method !== 'GET' || (line.status !== 200 && line.status !== 304)) return false;
  const path = pathOf(line.target);
  const segment = path.slice(path.lastIndexOf('/') + 1);
  const dot = segment.lastIndexOf('.');
  return dot < 0 || pageExtensions.includes(segment.slice(dot + 1));
}

/**
 * @param offset byte at which the line begins in the file: with the line itself it makes the event's id, so that the same file
 *   gives the same ids every time it is imported
 * @param site put before the path, for reports by hostname: `https://shop.example`
 */
export function eventOf(line: LogLine, raw: string, offset: number, site: string): TrackedEvent {
  return {
    id: digest(`${offset}\n${raw}`),
    name: isPageView(line) ? 'page_view' : 'request',
    time: line.time,
    visitorId: digest(`${line.address}\n${line.userAgent ?? ''}`),
    url: cut(site + line.target) || undefined,
    referrer: cut(line.referrer),
    userAgent: cut(line.userAgent),
    ip: isAddress(line.address) ? line.address : undefined,
    properties: { method: line.method.slice(0, 32), status: line.status },
  };
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** Logs may hold host names where addresses were looked up. */
function isAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || (text.includes(':') && /^[\da-fA-F:.]+$/.test(text));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function cut(text: string): string;
function cut(text: string | undefined): string | undefined;
function cut(text: string | undefined): string | undefined {
  return text?.slice(0, limits.textLengthMax);
}
