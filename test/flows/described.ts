interface Schema {
  $ref?: string;
  type?: string;
  nullable?: boolean;
  enum?: unknown[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
}
interface Operation {
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>;
}
/** What is read of /openapi.json. */
export interface Described {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** Where an answer differs from its description: fields nobody described, such as are missing, values of another kind. */
export function undescribed(document: Described, { responses }: Operation, status: number, body: unknown): string[] {
  const content = (responses[status] ?? responses.default)?.content;
  const schema = content?.['application/json']?.schema ?? content?.['application/problem+json']?.schema;
  return schema === undefined ? [`nothing is said of ${status}`] : differences(document, schema, body, 'body');
}

function differences(document: Described, schema: Schema, value: unknown, at: string): string[] {
  if (schema.$ref !== undefined) return differences(document, document.components.schemas[schema.$ref.split('/').at(-1)!]!, value, at);
  if (value === null) return schema.nullable === true ? [] : [`${at} is null`];
  if (schema.allOf !== undefined) return schema.allOf.flatMap((part) => differences(document, part, value, at));
  if (schema.oneOf !== undefined) {
    const found = schema.oneOf.map((part) => differences(document, part, value, at));
    return found.find((each) => each.length === 0) ?? found.flat();
  }
  const kind = Array.isArray(value) ? 'array' : typeof value;
  const type = schema.type === 'integer' ? 'number' : schema.type;
  if (type !== undefined && kind !== type) return [`${at} is ${kind}, not ${type}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${at} is ${String(value)}, none of ${schema.enum.join(', ')}`];
  if (Array.isArray(value)) return value.flatMap((each, i) => differences(document, schema.items ?? {}, each, `${at}[${i}]`));
  if (kind !== 'object') return [];
  const missing = (schema.required ?? []).filter((field) => !(field in (value as object))).map((field) => `${at}.${field} is missing`);
  const wrong = Object.entries(value as object).flatMap(([field, each]) => {
    const { additionalProperties: others } = schema;
    const described = schema.properties?.[field] ?? (typeof others === 'object' ? others : undefined);
    return described === undefined ? [`${at}.${field} is not described`] : differences(document, described, each, `${at}.${field}`);
  });
  return [...missing, ...wrong];
}
