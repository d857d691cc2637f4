import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

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
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', raw: ['json'] });
}
