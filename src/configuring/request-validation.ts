import { applyDecorators, type ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import { Transform } from 'class-transformer';
import {
  getMetadataStorage,
  registerDecorator,
  ValidateIf,
  type ValidationArguments,
  type ValidationError,
  type ValidationOptions,
} from 'class-validator';
import { parseCurrency, parsePaidCurrency } from '../domain/currencies';
import { merchantLimits, parseTimezone } from '../domain/merchant-settings';
import { parseRate, rateRule } from '../domain/rates';
import { isDay } from '../domain/time';
import { patternRules } from '../domain/patterns';
import { limits } from '../protocol/limits';
import type { ProblemError } from '../protocol/problem';
import { invalidRequest, problem, shown } from './problem';
import { UnreadBody } from './request-body';

/** What is said of one request: a list of thousands may be wrong throughout. */
const errorsMax = 20;

/**
 * For bodies and queries that are described by a class: unknown fields and wrong values are refused, each with its name, its value
 * and what is allowed. Not for events: they are too many for it.
 */
class RequestPipe extends ValidationPipe {
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'body') mustBeObject(value);
    if (metadata.type === 'query') mustBeGivenOnce(value);
    return super.transform(value, metadata) as Promise<unknown>;
  }
}

export const requestPipe = new RequestPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  stopAtFirstError: true,
  validationError: { target: true, value: true },
  exceptionFactory: (errors) => invalidRequest(errors.flatMap((error) => describe(error)).slice(0, errorsMax)),
});

/** @throws ProblemException */
function mustBeObject(body: unknown): void {
  if (body instanceof UnreadBody) {
    const given = body.contentType === undefined ? 'it is missing' : `not ${body.contentType.slice(0, 100)}`;
    throw problem(415, `Content-Type must be application/json, ${given}`);
  }
  // A body that was left out is judged by what the route asks of it.
  if (body === undefined || (typeof body === 'object' && body !== null && !Array.isArray(body))) return;
  throw invalidRequest([{ field: 'body', detail: `must be a JSON object, not ${shown(body)}` }]);
}

/** @throws ProblemException */
function mustBeGivenOnce(query: unknown): void {
  const repeated = Object.entries(query as object).filter(([, value]) => Array.isArray(value));
  if (repeated.length === 0) return;
  throw invalidRequest(repeated.map(([field, value]) => ({ field, detail: `is given ${(value as unknown[]).length} times, not once` })));
}

function describe(error: ValidationError, path = ''): ProblemError[] {
  if (error.property === undefined) return [{ field: 'body', detail: 'must be a JSON object' }];
  const field = path + error.property;
  const below = (error.children ?? []).flatMap((child) => describe(child, `${field}.`));
  const here = Object.entries(error.constraints ?? {}).map(([name, message]) => {
    if (name === 'whitelistValidation') return { field, detail: `is not known here; allowed are ${allowedFields(error.target)}` };
    const said = message.startsWith(`${error.property} `) ? message.slice(error.property.length + 1) : message;
    return { field, detail: error.value === undefined ? `${said}; it is missing` : `${said}, not ${shown(error.value)}` };
  });
  return [...here, ...below];
}

function allowedFields(target: object | undefined): string {
  const type = target?.constructor;
  if (type === undefined) return 'none';
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const names = [...new Set(rules.map((rule) => rule.propertyName))];
  return names.length === 0 ? 'none' : names.join(', ');
}

/** May be left out; null is not leaving out. */
export const Optional = (): PropertyDecorator => ValidateIf((_object, value) => value !== undefined);

/** May be left out, or taken away with null. */
export const Removable = (): PropertyDecorator => ValidateIf((_object, value) => value !== undefined && value !== null);

/** A whole number in a query: digits, since everything in a query is text. */
export const IsCount = (min: number, max: number): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value)),
    ruleOfAny(
      'isCount',
      (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
      `must be a whole number from ${min} to ${max}`,
    ),
  );

export const IsText = (lengthMin: number, lengthMax: number): PropertyDecorator =>
  rule('isText', ({ length }) => length >= lengthMin && length <= lengthMax, `must be a text of ${lengthMin} to ${lengthMax} characters`);

export const IsTimezone = (): PropertyDecorator =>
  rule('isTimezone', (value) => parseTimezone(value) !== undefined, 'must be an IANA timezone such as Europe/Berlin or UTC');

export const IsCurrency = (): PropertyDecorator =>
  rule('isCurrency', (value) => parseCurrency(value) !== undefined, 'must be an ISO 4217 currency such as USD or EUR');

/** Of what was sold. */
export const IsPaidCurrency = (): PropertyDecorator =>
  rule('isPaidCurrency', (value) => parsePaidCurrency(value) !== undefined, 'must be an ISO 4217 currency such as USD or EUR');

export const IsOrigin = (options?: ValidationOptions): PropertyDecorator =>
  rule('isOrigin', isOrigin, 'must be an origin such as https://shop.example, without a path, or *', options);

export const IsName = (lengthMax: number): PropertyDecorator =>
  applyDecorators(rule('isName', (value) => isName(value, lengthMax), `must be a text of 1 to ${lengthMax} characters that is not blank`));

export const IsEventName = (): PropertyDecorator =>
  rule(
    'isEventName',
    (value) => isName(value, limits.nameLengthMax),
    `must be the name of an event, 1 to ${limits.nameLengthMax} characters`,
  );

/** Of a page or a hostname. */
export const IsPattern = (field: 'page' | 'hostname'): PropertyDecorator =>
  rule('isPattern', patternRules[field].holds, `must be ${patternRules[field].allowed}`);

export const IsDay = (): PropertyDecorator => rule('isDay', isDay, 'must be a day of the calendar such as 2026-11-22');

export const IsRate = (): PropertyDecorator => rule('isRate', (value) => parseRate(value) !== undefined, `must be ${rateRule}`);

/** Names of properties with the values they must have. */
export const IsPropertyConditions = (): PropertyDecorator =>
  ruleOfAny(
    'isPropertyConditions',
    isPropertyConditions,
    `must be an object of 1 to ${merchantLimits.matchPropertiesMax} properties by name, each a text, a number or a boolean`,
  );

const rule = (name: string, holds: (value: string) => boolean, message: string, options?: ValidationOptions): PropertyDecorator =>
  ruleOfAny(name, (value) => typeof value === 'string' && holds(value), message, options);

function ruleOfAny(name: string, holds: (value: unknown) => boolean, message: string, options: ValidationOptions = {}): PropertyDecorator {
  return (target, propertyKey) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(propertyKey),
      options: { ...options, message: (args: ValidationArguments) => `${args.property} ${message}` },
      validator: { validate: holds },
    });
}

const isName = (text: string, lengthMax: number): boolean => text.length <= lengthMax && text.trim() !== '';

function isOrigin(text: string): boolean {
  if (text === '*') return true;
  if (!URL.canParse(text)) return false;
  const { origin, protocol } = new URL(text);
  return (protocol === 'https:' || protocol === 'http:') && origin === text;
}

function isPropertyConditions(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  const fits = ([name, wanted]: [string, unknown]): boolean =>
    isName(name, limits.propertyNameLengthMax) &&
    (typeof wanted === 'boolean' ||
      typeof wanted === 'number' ||
      (typeof wanted === 'string' && wanted.length <= limits.propertyValueLengthMax));
  return entries.length >= 1 && entries.length <= merchantLimits.matchPropertiesMax && entries.every(fits);
}
