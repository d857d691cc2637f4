import { Type, type TProperties, type TSchema } from '@sinclair/typebox';
import { TypeCompiler, ValueErrorType, type ValueError } from '@sinclair/typebox/compiler';
import type { IncomingEvent, RejectReason } from '../protocol/event';
import { limits } from '../protocol/limits';
import { isAddressField, isPersonField } from './accept-privacy';

/** Why one event is refused: the closed reason, and a sentence naming field, value and what is allowed. */
export interface Diagnosis {
  readonly reason: RejectReason;
  readonly detail: string;
}

const text = (maxLength: number) => Type.String({ maxLength, description: `a text of at most ${maxLength} characters` });
const name = (maxLength: number) => Type.String({ minLength: 1, maxLength, description: `a text of 1 to ${maxLength} characters` });
const amount = Type.Number({
  minimum: -limits.amountMax,
  maximum: limits.amountMax,
  description: `a number between ${-limits.amountMax} and ${limits.amountMax}`,
});
const optional = <T extends TProperties>(fields: T) =>
  Object.fromEntries(Object.entries(fields).map(([field, schema]) => [field, Type.Optional(schema)]));

const item = Type.Object(
  {
    itemId: name(limits.shortTextLengthMax),
    ...optional({
      name: text(limits.shortTextLengthMax),
      brand: text(limits.shortTextLengthMax),
      category: text(limits.shortTextLengthMax),
      variant: text(limits.shortTextLengthMax),
      price: amount,
      quantity: Type.Integer({
        minimum: 0,
        maximum: limits.quantityMax,
        description: `a whole number from 0 to ${limits.quantityMax}`,
      }),
      coupon: text(limits.shortTextLengthMax),
    }),
  },
  { additionalProperties: false, description: 'an object with an itemId' },
);

const requiredFields = {
  id: name(limits.idLengthMax),
  name: name(limits.nameLengthMax),
  // What the text must look like is parseTime's business.
  time: Type.Union([Type.String({ maxLength: limits.shortTextLengthMax }), Type.Number()], {
    description: 'ISO 8601 with an offset or epoch milliseconds',
  }),
  visitorId: name(limits.idLengthMax),
};
const optionalFields = {
  userId: text(limits.idLengthMax),
  sessionId: text(limits.idLengthMax),
  url: text(limits.textLengthMax),
  title: text(limits.textLengthMax),
  referrer: text(limits.textLengthMax),
  userAgent: text(limits.textLengthMax),
  ip: text(limits.shortTextLengthMax),
  language: text(limits.shortTextLengthMax),
  screen: text(limits.shortTextLengthMax),
  value: amount,
  currency: text(limits.shortTextLengthMax),
  items: Type.Array(item, { maxItems: limits.itemsMax, description: `a list of at most ${limits.itemsMax} items` }),
  transactionId: text(limits.shortTextLengthMax),
  coupon: text(limits.shortTextLengthMax),
  tax: amount,
  shipping: amount,
  properties: Type.Object({}, { description: `an object of at most ${limits.propertiesMax} properties` }),
};
const eventShape = Type.Object({ ...requiredFields, ...optional(optionalFields) }, { description: 'an object' });
const eventCheck = TypeCompiler.Compile<TSchema>(eventShape);
const knownFields: ReadonlySet<string> = new Set([...Object.keys(requiredFields), ...Object.keys(optionalFields)]);

/** What an event must look like, as JSON Schema, for people to read: the shape that is checked, and what is checked by hand. */
export const eventSchema = {
  ...eventShape,
  additionalProperties: false,
  properties: {
    ...eventShape.properties,
    properties: {
      ...optionalFields.properties,
      maxProperties: limits.propertiesMax,
      additionalProperties: {
        anyOf: [{ type: 'string', maxLength: limits.propertyValueLengthMax }, { type: 'number' }, { type: 'boolean' }],
      },
    },
  },
};

/** The one check of the usual case: true when the value may be read as an event. Its time and currency are judged when they are read. */
export function isEvent(value: unknown): value is IncomingEvent {
  if (!eventCheck.Check(value)) return false;
  // Asked here rather than through additionalProperties, which costs an array search for every field.
  for (const field in value as object) if (!knownFields.has(field)) return false;
  const properties = (value as IncomingEvent).properties;
  return properties === undefined || diagnoseProperties(properties) === undefined;
}

/** The first thing wrong with a value that isEvent refused. */
export function diagnose(value: unknown): Diagnosis {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { reason: 'not-an-object', detail: `an event must be an object, not ${kindOf(value)}` };
  }
  for (const field in value) {
    if (!knownFields.has(field)) {
      return { reason: 'unknown-field', detail: `unknown field ${quote(field)}; free-form data goes in properties` };
    }
  }
  for (const field of Object.keys(requiredFields)) {
    if (!Object.hasOwn(value, field)) return { reason: 'missing-field', detail: `${field} is missing` };
  }
  const error = eventCheck.Errors(value).First();
  if (error) return diagnosisOf(error);
  return diagnoseProperties((value as IncomingEvent).properties ?? {}) ?? { reason: 'invalid-field', detail: 'not a valid event' };
}

function diagnosisOf(error: ValueError): Diagnosis {
  const field = fieldName(error.path);
  const detail = `${field} must be ${String(error.schema.description)}, not ${isNotQuoted(field) ? 'this' : describe(error.value)}`;
  if (field === 'time') return { reason: 'invalid-time', detail };
  switch (error.type) {
    case ValueErrorType.StringMaxLength:
      return { reason: 'too-long', detail };
    case ValueErrorType.ArrayMaxItems:
      return { reason: 'too-many', detail };
    case ValueErrorType.ObjectRequiredProperty:
      return { reason: 'missing-field', detail: `${field} is missing` };
    case ValueErrorType.ObjectAdditionalProperties:
      return { reason: 'unknown-field', detail: `unknown field ${quote(field)}` };
    default:
      return { reason: 'invalid-field', detail };
  }
}

/** The detail is kept with the event, which keeps no such values. */
const isNotQuoted = (field: string): boolean => isAddressField(field) || isPersonField(field);

/** Written by hand: a compiled record matches every name against a pattern. */
function diagnoseProperties(properties: object): Diagnosis | undefined {
  if (Array.isArray(properties)) return { reason: 'invalid-field', detail: 'properties must be an object, not a list' };
  let count = 0;
  for (const property in properties) {
    if (++count > limits.propertiesMax) {
      return { reason: 'too-many', detail: `properties must be at most ${limits.propertiesMax}` };
    }
    if (property.length === 0 || property === '__proto__') {
      return { reason: 'invalid-field', detail: `${quote(property)} cannot be the name of a property` };
    }
    if (property.length > limits.propertyNameLengthMax) {
      return {
        reason: 'too-long',
        detail: `the property name ${quote(property)} must be at most ${limits.propertyNameLengthMax} characters`,
      };
    }
    const value = (properties as Record<string, unknown>)[property];
    if (typeof value === 'string') {
      if (value.length > limits.propertyValueLengthMax) {
        return {
          reason: 'too-long',
          detail: `properties.${property} must be a text of at most ${limits.propertyValueLengthMax} characters`,
        };
      }
    } else if (typeof value !== 'boolean' && !Number.isFinite(value)) {
      return { reason: 'invalid-field', detail: `properties.${property} must be a text, a number, true or false, not ${describe(value)}` };
    }
  }
  return undefined;
}

/** `/items/3/itemId` → `items[3].itemId` */
function fieldName(path: string): string {
  return shorten(
    path
      .slice(1)
      .replace(/\/(\d+)/g, '[$1]')
      .replaceAll('/', '.'),
  );
}

const SHOWN_LENGTH_MAX = 60;

/** A value as people read it in a refusal: short whatever was sent. */
export function describe(value: unknown): string {
  if (value === undefined) return 'absent';
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

/** As describe, without quoting a text: where something else was expected it may be a whole event, and say whose. */
export const kindOf = (value: unknown): string => (typeof value === 'string' ? 'a text' : describe(value));

export const quote = (value: string): string => JSON.stringify(shorten(value));
const shorten = (value: string): string => (value.length > SHOWN_LENGTH_MAX ? `${value.slice(0, SHOWN_LENGTH_MAX)}…` : value);
