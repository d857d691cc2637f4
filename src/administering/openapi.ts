import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, getSchemaPath, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { ProblemAnswer } from '../configuring/answers';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { eventSchema } from '../domain/accept-shape';
import { limits } from '../protocol/limits';
import { problemMediaType } from '../protocol/problem';

/** Serves what this process answers over HTTP as a page at /docs and as a document at /openapi.json. Call before listening. */
export function setupOpenApi(app: INestApplication): void {
  const description = new DocumentBuilder()
    .setTitle('Recount')
    .setDescription(
      'Event-sourced analytics for merchants. Times are ISO 8601; refusals are RFC 9457 problem+json. ' +
        'The routes are those of the roles this process runs.',
    )
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'The admin token, or a token of a merchant.' })
    .build();
  const document = SwaggerModule.createDocument(app, description, { extraModels: [ProblemAnswer] });
  const { roles } = app.get<Pick<ResolvedConfiguration, 'roles'>>(CONFIGURATION, { strict: false });
  if (roles.includes('collecting')) document.paths['/v1/collect'] = collectPath;
  for (const path of Object.values(document.paths)) for (const method of Object.values(path)) refuseWithProblems(method as Operation);
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', raw: ['json'] });
}

const problemContent = { [problemMediaType]: { schema: { $ref: getSchemaPath(ProblemAnswer) } } };

interface Operation {
  responses: Record<string, { description?: string; content?: object }>;
}

/** Every refusal is a problem, of its own media type, which the decorators of routes do not know; what says otherwise stays. */
function refuseWithProblems({ responses }: Operation): void {
  for (const [status, response] of Object.entries(responses)) {
    const isProblem = JSON.stringify(response.content ?? {}).includes(`"${getSchemaPath(ProblemAnswer)}"`);
    const isRefusal = status === 'default' || Number(status) >= 400;
    if (isProblem || (isRefusal && response.content === undefined)) response.content = problemContent;
  }
}

const events = { type: 'array' as const, maxItems: limits.batchEventsMax, items: eventSchema as { type: 'object' } };

/** Collection does not pass through a controller, so it is described by hand. */
const collectPath: OpenAPIObject['paths'][string] = {
  post: {
    tags: ['collect'],
    summary: 'Takes events; answers once they are durable',
    description:
      `Up to ${limits.batchEventsMax} events and ${limits.batchBytesMax} bytes, as {"events":[…],"sentAt":…} or a bare list. ` +
      'The write key comes as bearer token, or as ?writeKey= for beacons. Unknown fields are refused with their name; free-form data goes in properties.',
    security: [{ bearer: [] }],
    parameters: [{ name: 'writeKey', in: 'query', required: false, schema: { type: 'string' } }],
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            oneOf: [
              {
                type: 'object',
                required: ['events'],
                additionalProperties: false,
                properties: {
                  events,
                  sentAt: {
                    description: "The sender's clock at sending: ISO 8601 or epoch milliseconds.",
                    anyOf: [{ type: 'string' }, { type: 'number' }],
                  },
                },
              },
              events,
            ],
          },
        },
        'text/plain': { schema: { type: 'string', description: 'The same JSON, as beacons send it.' } },
      },
    },
    responses: {
      202: {
        description: 'Durable: what was accepted is counted once, what was refused is kept with its reason.',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['accepted', 'rejected'],
              properties: {
                accepted: { type: 'integer' },
                rejected: {
                  type: 'array',
                  items: {
                    type: 'object',
                    properties: {
                      index: { type: 'integer' },
                      id: { type: 'string', nullable: true },
                      reason: { type: 'string' },
                      detail: { type: 'string' },
                    },
                  },
                },
              },
            },
          },
        },
      },
      default: { description: 'A refusal.', content: problemContent },
    },
  },
};
