import type { Request, Response } from 'express';
import { problem } from '../configuring/problem';
import { unreachable } from '../domain/unreachable';
import { tableOf } from './csv';
import { isMoneyMetric } from './metric-list';
import { isUnanswered, type Unanswered } from './refusal';
import type { Figure } from './figures';

/** @throws ProblemException 400, 404 or 503 where there is no answer */
export function answered<T extends object>(answer: T | Unanswered): T {
  if (!isUnanswered(answer)) return answer;
  switch (answer.unanswered) {
    case 'refused':
      throw problem(400, `${answer.parameter}: ${answer.detail}`, 'invalid-request', [{ field: answer.parameter, detail: answer.detail }]);
    case 'no-such-merchant':
      throw problem(404, answer.detail, 'merchant-unknown');
    case 'no-such-funnel':
      throw problem(404, answer.detail, 'funnel-unknown');
    case 'not-counting':
      throw problem(503, answer.detail, 'not-counting');
    default:
      return unreachable(answer);
  }
}

export interface Table {
  /** Column that names a row. */
  readonly key: string;
  readonly metrics: readonly string[];
  readonly rows: readonly { readonly [column: string]: Figure | string }[];
  readonly fileName: string;
}

/** Sends JSON, or the rows alone as CSV where the request prefers that. */
export function send(request: Request, response: Response, answer: object, table: Table): void {
  // Numbers change by the second and belong to one merchant.
  response.setHeader('cache-control', 'no-store');
  response.setHeader('vary', 'accept, authorization');
  if (request.accepts(['application/json', 'text/csv']) !== 'text/csv') {
    // Without the hash for an etag that express would compute: nothing is ever kept.
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(answer));
    return;
  }
  response.setHeader('content-type', 'text/csv; charset=utf-8; header=present');
  response.setHeader('content-disposition', `attachment; filename="${table.fileName.replace(/[^\w.-]/g, '_')}.csv"`);
  response.send(tableOf(table.key, table.metrics, table.rows, isMoneyMetric));
}
