import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { Request, Response } from 'express';
import { type Logger, LOGGER } from '../logging';
import { type Problem, problemMediaType } from '../protocol/problem';
import { StoreUnavailable } from '../stores/event-store';
import { allowedMethods } from './allowed-methods';
import { ProblemException } from './problem';

/** Every refusal and every failure over HTTP leaves as RFC 9457 problem+json. */
@Injectable()
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    // Nest throws this where no route takes the request, and a route itself may.
    const methods = error instanceof NotFoundException ? allowedMethods(request) : [];
    const allowed = methods.includes(request.method) ? [] : methods;
    if (allowed.length > 0) {
      response.setHeader('allow', allowed.join(', '));
      if (request.method === 'OPTIONS') return void response.status(204).end();
    }
    const problem = toProblem(error, request, allowed);
    this.log(error, problem, request.method);
    if (response.headersSent) {
      // A stream that fails half-way must not look complete.
      response.destroy();
      return;
    }
    if (problem.status === 401) response.setHeader('www-authenticate', 'Bearer');
    if (problem.status === 503) response.setHeader('retry-after', '5');
    response.status(problem.status).type(problemMediaType).send(JSON.stringify(problem));
  }

  private log(error: unknown, { status, instance }: Problem, method: string): void {
    if (status < 500) return;
    // While a store is away every request meets it: one short line each says enough.
    if (error instanceof StoreUnavailable) this.logger.warn({ method, path: instance }, error.message);
    else this.logger.error({ err: error, method, path: instance }, 'a request failed');
  }
}

function toProblem(error: unknown, request: Request, allowed: readonly string[]): Problem {
  // Without the query: a beacon carries its key there.
  const instance = request.originalUrl.split('?', 1)[0]!;
  if (error instanceof ProblemException) return { ...error.problem, instance };
  const plain = (status: number, detail: string): Problem => ({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    instance,
  });
  if (error instanceof StoreUnavailable) {
    const isChange = request.method !== 'GET' && request.method !== 'HEAD';
    const then = isChange ? 'Look at what is there before you repeat a change: it may have been made.' : 'Ask again in some seconds.';
    return plain(503, `A store does not answer at the moment. ${then}`);
  }
  if (allowed.length > 0) return plain(405, `${request.method} is not for ${instance}; there is ${allowed.join(', ')}`);
  if (error instanceof NotFoundException) return plain(404, `There is no ${request.method} ${instance}; /docs shows what there is`);
  if (error instanceof HttpException) return plain(error.getStatus(), error.message);
  const refused = refusedByParser(error);
  if (refused !== undefined) return plain(refused.status, refused.detail);
  return plain(500, 'Something broke that should not have. The log of this process says what.');
}

/** What the body parser throws before any controller runs: an error with a status meant to be shown. */
function refusedByParser(error: unknown): { status: number; detail: string } | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  return error.status >= 400 && error.status < 500 ? { status: error.status, detail: error.message } : undefined;
}
