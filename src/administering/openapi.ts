import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { CONFIGURATION, type ResolvedConfiguration } from '../config';
import { eventSchema } from '../domain/accept-shape';
import { limits } from '../protocol/limits';

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
  const document = SwaggerModule.createDocument(app, description);
  const { roles } = app.get<Pick<ResolvedConfiguration, 'roles'>>(CONFIGURATION, { strict: false });
  if (roles.includes('collecting')) document.paths['/v1/collect'] = collectPath;
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', raw: ['json'] });
}

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
            type: 'object',
            required: ['events'],
            properties: {
              events: { type: 'array', maxItems: limits.batchEventsMax, items: eventSchema as { type: 'object' } },
              sentAt: {
                description: "The sender's clock at sending: ISO 8601 or epoch milliseconds.",
                anyOf: [{ type: 'string' }, { type: 'number' }],
              },
            },
          },
        },
      },
    },
    responses: {
      202: {
        description: 'Durable: what was accepted is counted once, what was refused is kept with its reason.',
        content: {
          'application/json': {
            schema: {
              type: 'object',
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
      default: { description: 'A refusal.', content: { 'application/problem+json': {} } },
    },
  },
};
