import type { Response } from 'express';

const heartbeatMs = 15_000;
/** A listener that has not taken this much is behind: it gets the newest numbers later instead of all in between. */
const unsentBytesMax = 64 << 10;
/** After this long without taking anything a listener is cut off. */
const stalledMs = 60_000;
/** Streams end by themselves, so that a revoked token stops opening them; clients connect anew. */
const lifetimeMs = 15 * 60_000;

/** A `text/event-stream` answer (WHATWG HTML, server-sent events): frames of JSON, comments as heartbeats. */
export class EventStream {
  private readonly heartbeat: NodeJS.Timeout;
  private readonly lifetime: NodeJS.Timeout;
  private skipped: string | undefined;
  private blockedSince: number | undefined;

  constructor(private readonly response: Response) {
    response.status(200);
    response.setHeader('content-type', 'text/event-stream; charset=utf-8');
    response.setHeader('cache-control', 'no-store');
    // Proxies that buffer would hold frames back.
    response.setHeader('x-accel-buffering', 'no');
    response.flushHeaders();
    response.write('retry: 2000\n\n');
    this.heartbeat = setInterval(() => this.beat(), heartbeatMs);
    this.lifetime = setTimeout(() => this.end(), lifetimeMs);
    response.on('drain', () => this.drained());
    response.on('close', () => this.stopTimers());
  }

  /** Drops older numbers, never newer ones, when the listener is slow. */
  frame(json: string): void {
    if (this.isOver) return;
    if (this.response.writableLength > unsentBytesMax) {
      this.skipped = json;
      this.blockedSince ??= Date.now();
      return;
    }
    this.response.write(`data: ${json}\n\n`);
  }

  /** Ends with a named event that says why. */
  fail(detail: string): void {
    if (this.isOver) return;
    this.response.write(`event: problem\ndata: ${JSON.stringify({ detail })}\n\n`);
    this.end();
  }

  end(): void {
    this.stopTimers();
    this.response.end();
  }

  /** Ended by us, or gone with the connection. */
  private get isOver(): boolean {
    return this.response.writableEnded || this.response.destroyed;
  }

  private beat(): void {
    if (this.isOver) return;
    if (this.blockedSince !== undefined && Date.now() - this.blockedSince > stalledMs) {
      this.response.destroy();
      return;
    }
    if (this.response.writableLength <= unsentBytesMax) this.response.write(': still here\n\n');
  }

  private drained(): void {
    this.blockedSince = undefined;
    const waiting = this.skipped;
    this.skipped = undefined;
    if (waiting !== undefined) this.frame(waiting);
  }

  private stopTimers(): void {
    clearInterval(this.heartbeat);
    clearTimeout(this.lifetime);
  }
}
