import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import type { Problem, ProblemError } from '../protocol/problem';

/** A refusal on its way out: what a controller or a guard throws, and ProblemFilter answers with. */
export class ProblemException extends HttpException {
  constructor(readonly problem: Omit<Problem, 'instance'>) {
    super(problem, problem.status);
  }
}

/** @param name what kind of problem it is where the status alone does not say: gives it a type of its own */
export function problem(status: number, detail: string, name?: string, errors?: ProblemError[]): ProblemException {
  return new ProblemException({
    type: name === undefined ? 'about:blank' : `urn:recount:problem:${name}`,
    title: name === undefined ? (STATUS_CODES[status] ?? 'Error') : sentence(name),
    status,
    detail,
    ...(errors === undefined ? {} : { errors }),
  });
}

/** A body or a query with wrong fields: each with its name, its value and what is allowed. */
export const invalidRequest = (errors: ProblemError[]): ProblemException =>
  problem(400, errors.map(({ field, detail }) => `${field}: ${detail}`).join('; '), 'invalid-request', errors);

const sentence = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' ');

/** A value in a message: as JSON, cut where it gets long. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
