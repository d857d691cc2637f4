import type { IncomingHttpHeaders } from 'node:http';
import { json, type RequestHandler } from 'express';
import { problem } from './problem';

/**
 * In place of a body that is not JSON by its Content-Type, and was not read. Whether that is refused is for the route to say: first
 * comes who asks, and for what.
 */
export class UnreadBody {
  constructor(readonly contentType: string | undefined) {}
}

/** Reads the JSON bodies of commands; any value is JSON here, and what must be an object is the route's to say. */
export function readJsonBodies(bytesMax: number): RequestHandler[] {
  const read = json({ limit: bytesMax, strict: false });
  return [(request, response, next) => read(request, response, (error?: unknown) => next(explained(error, bytesMax))), markUnread];
}

/** The parser's own words say what broke, and not of what. */
function explained(error: unknown, bytesMax: number): unknown {
  switch ((error as { type?: unknown } | undefined)?.type) {
    case 'entity.parse.failed':
      return problem(400, `The body is not JSON: ${(error as Error).message.slice(0, 120)}`);
    case 'entity.too.large':
      return problem(413, `The body may have ${bytesMax} bytes`);
    default:
      return error;
  }
}

const markUnread: RequestHandler = (request, _response, next) => {
  if (request.body === undefined && hasBody(request.headers)) request.body = new UnreadBody(request.headers['content-type']);
  next();
};

const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
