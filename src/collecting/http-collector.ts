import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { LOGGER, type Logger } from '../logging';
import { problemMediaType, type Problem } from '../protocol/problem';
import type { Malformed } from '../domain/accept-parse';
import { CollectBatch, type CollectOutcome, type CollectSource } from './collect-batch';
import { BodyRefused, readBody } from './http-body';
import { KeyDirectory, keyHash } from '../peers/key-directory';
import { isAllowedOrigin } from '../peers/origins';
import { Sealer } from './sealer';
import { visitorAddressOf } from '../peers/visitor-address';

const collectPath = '/v1/collect';
const RETRY_AFTER_SECONDS = 2;
const PREFLIGHT_VALID_SECONDS = 86_400;
/** Of a body that is refused, and for as long: so that its sender comes to read why. */
const DROPPED_BYTES_MAX = 16 << 20;
const DROPPING_MS_MAX = 2_000;
const contentTypes = new Set(['application/json', 'text/plain']);

/** A refusal on its way to the answer. */
class Refused extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }
}

/**
 * `POST /v1/collect`, as middleware on Node's own request: events are parsed once, by the collector, and never by a body parser.
 *
 * The write key comes as `Authorization: Bearer …` or, for beacons, which cannot set headers, as `?writeKey=`. A source that names
 * no origins takes events from all of them: a write key is readable in every page that uses it, so the list keeps honest browsers
 * of other sites out and nobody else. Requests without an Origin do not come from a browser and are not asked for one.
 */
@Injectable()
export class HttpCollector {
  /** Set when the process is about to stop: from then on requests are sent elsewhere. */
  draining = false;

  constructor(
    private readonly commandBus: CommandBus,
    private readonly keys: KeyDirectory,
    private readonly sealer: Sealer,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  readonly middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    if (!isCollectPath(request.url ?? '')) return next();
    this.answer(request, response).catch((error: unknown) => {
      const refused = error instanceof Refused ? error : this.broken(error);
      sendProblem(request, response, refused);
    });
  };

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    allowReading(request, response);
    if (request.method === 'OPTIONS') return sendPreflight(request, response);
    if (request.method !== 'POST') {
      throw new Refused(405, 'Method not allowed', `${request.method} is not for ${collectPath}; POST sends events`, {
        Allow: 'POST, OPTIONS',
      });
    }
    if (this.draining) throw busy('this collector is shutting down; send the same events again', { Connection: 'close' });
    if (this.sealer.gauge.isHigh) throw busy('too many events wait for the log; send the same events again in some seconds');
    const source = await this.authenticate(request);
    refuseContentType(request.headers['content-type']);
    const body = await this.read(request);
    const receivedAt = Date.now();
    const outcome: CollectOutcome = await this.commandBus.execute(
      new CollectBatch(source, body, receivedAt, true, visitorAddressOf(request)),
    );
    switch (outcome.kind) {
      case 'collected':
        return send(response, 202, 'application/json', JSON.stringify(outcome.answer));
      case 'malformed':
        throw refusedRequest(outcome.malformed);
      case 'overloaded':
      case 'not-durable':
        throw busy(outcome.detail);
    }
  }

  private async authenticate(request: IncomingMessage): Promise<CollectSource> {
    const key = keyOf(request);
    if (key === undefined) {
      throw unauthorized('a write key is needed, as "Authorization: Bearer …" or as ?writeKey=');
    }
    const lookup = await this.keys.find(keyHash(key));
    if (lookup.kind === 'unavailable') throw busy('the write key cannot be checked at the moment; send the same events again');
    if (lookup.kind === 'unknown') throw unauthorized('this write key does not exist or was revoked');
    const { record } = lookup;
    if (record.kind !== 'write') throw new Refused(403, 'Forbidden', 'this token reads reports; sending events needs a write key');
    const { origin } = request.headers;
    if (origin !== undefined && !isAllowedOrigin(origin, record.allowedOrigins)) {
      throw new Refused(403, 'Forbidden', `this source takes no events from pages of ${origin.slice(0, 200)}`);
    }
    return record;
  }

  private async read(request: IncomingMessage): Promise<Uint8Array> {
    try {
      return await readBody(request, this.sealer.gauge);
    } catch (error) {
      if (error instanceof BodyRefused) throw new Refused(error.status, error.title, error.message, { Connection: 'close' });
      throw error;
    }
  }

  private broken(error: unknown): Refused {
    this.logger.error({ err: error }, 'collecting over HTTP failed');
    return new Refused(500, 'Internal error', 'the events were not taken; send the same events again, they count once');
  }
}

/** With a slash behind it too, as every other route may be asked for. */
function isCollectPath(url: string): boolean {
  if (!url.startsWith(collectPath)) return false;
  const rest = url.slice(collectPath.length, collectPath.length + 2);
  return rest === '' || rest[0] === '?' || rest === '/' || rest === '/?';
}

function keyOf(request: IncomingMessage): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) return /^Bearer +(\S+) *$/i.exec(header)?.[1];
  const query = (request.url ?? '').indexOf('?');
  if (query < 0) return undefined;
  const key = new URLSearchParams(request.url!.slice(query + 1)).get('writeKey');
  return key === null || key === '' ? undefined : key;
}

function refuseContentType(header: string | undefined): void {
  const type = header?.split(';', 1)[0]!.trim().toLowerCase();
  if (type !== undefined && type !== '' && !contentTypes.has(type)) {
    throw new Refused(415, 'Unsupported media type', `Content-Type must be application/json or text/plain, not ${type.slice(0, 100)}`);
  }
}

const busy = (detail: string, headers: Readonly<Record<string, string>> = {}): Refused =>
  new Refused(503, 'Temporarily unavailable', detail, { 'Retry-After': String(RETRY_AFTER_SECONDS), ...headers });

const unauthorized = (detail: string): Refused => new Refused(401, 'Unauthorized', detail, { 'WWW-Authenticate': 'Bearer' });

function refusedRequest(malformed: Malformed): Refused {
  switch (malformed.kind) {
    case 'broken-json':
    case 'not-a-batch':
      return new Refused(400, 'Bad request', malformed.detail);
    case 'too-many-events':
    case 'too-large':
      return new Refused(413, 'Content too large', malformed.detail);
  }
}

/** Any page may read the answer; whose events are taken is decided by the source. Credentials are never allowed. */
function allowReading(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Vary', 'Origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
  const { origin } = request.headers;
  if (origin === undefined) return;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Expose-Headers', 'Retry-After');
}

function sendPreflight(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Methods', 'POST');
  response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, Content-Encoding');
  response.setHeader('Access-Control-Max-Age', String(PREFLIGHT_VALID_SECONDS));
  request.resume();
  response.writeHead(204).end();
}

function sendProblem(request: IncomingMessage, response: ServerResponse, refused: Refused): void {
  if (response.headersSent || response.destroyed) return;
  const problem: Problem = {
    type: 'about:blank',
    title: refused.title,
    status: refused.status,
    detail: refused.message,
    instance: collectPath,
  };
  for (const [name, value] of Object.entries(refused.headers)) response.setHeader(name, value);
  if (!request.complete) response.setHeader('Connection', 'close');
  write(response, refused.status, problemMediaType, JSON.stringify(problem));
  dropped(request, () => response.end());
}

/**
 * Reads and drops what the sender still sends, within bounds. A connection that is closed on bytes nobody has read is reset, and a
 * sender that is reset while it sends does not come to read the answer.
 */
function dropped(request: IncomingMessage, then: () => void): void {
  if (request.complete || request.destroyed) return then();
  let bytes = 0;
  const timer = setTimeout(then, DROPPING_MS_MAX).unref();
  const end = (): void => {
    clearTimeout(timer);
    then();
  };
  request.once('end', end).once('close', end);
  request.on('data', ({ byteLength }: Buffer) => (bytes += byteLength) > DROPPED_BYTES_MAX && end());
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  write(response, status, contentType, body);
  response.end();
}

function write(response: ServerResponse, status: number, contentType: string, body: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': bytes.byteLength, 'Cache-Control': 'no-store' });
  response.write(bytes);
}
