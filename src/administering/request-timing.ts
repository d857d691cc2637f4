import type { NextFunction, Request, Response } from 'express';
import { Histogram } from 'prom-client';

const requestSeconds = new Histogram({
  name: 'recount_http_request_seconds',
  help: 'Time from a request to the end of its answer, by route; events collected over HTTP are measured by the collector',
  labelNames: ['method', 'route', 'status'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

/** Measures every request by the route that took it: paths hold ids, and an id must not become a label. */
export function timeRequests(request: Request, response: Response, next: NextFunction): void {
  const begun = performance.now();
  response.once('close', () => {
    const route: unknown = (request as { route?: { path?: unknown } }).route?.path;
    const labels = { method: request.method, route: typeof route === 'string' ? route : 'none', status: response.statusCode };
    requestSeconds.observe(labels, (performance.now() - begun) / 1_000);
  });
  next();
}
