import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { invalidRequest } from './problem';

/**
 * Behind the guard of who may ask, for routes that take nothing in their query. What is there is meant for another route, or for the
 * body: a reset that passed over `?merchantId=shop` would count everybody again, and who asks for goals with `?limit=5` would believe
 * that there are no more than came.
 */
@Injectable()
export class WithoutQuery implements CanActivate {
  /** @throws ProblemException 400, with each parameter by its name */
  canActivate(context: ExecutionContext): boolean {
    const fields = Object.keys(context.switchToHttp().getRequest<Request>().query);
    if (fields.length === 0) return true;
    throw invalidRequest(fields.map((field) => ({ field, detail: 'is not known here; the query of this route takes no parameters' })));
  }
}
