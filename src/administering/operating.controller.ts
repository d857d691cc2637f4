import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiOkResponse, ApiProperty, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { collectDefaultMetrics, register } from 'prom-client';
import { type ReadinessAnswer, Readiness } from '../readiness';

/** A check that does not answer is a check that fails; orchestrators give a probe few seconds. */
const readyWithinMs = 3_000;

class LiveAnswer {
  @ApiProperty({ enum: ['live'] }) status!: 'live';
}

class ReadyAnswer {
  @ApiProperty({ enum: ['ready', 'not-ready'] }) status!: 'ready' | 'not-ready';
  @ApiProperty({
    type: 'object',
    description: 'By what was asked.',
    additionalProperties: { type: 'object', required: ['ok'], properties: { ok: { type: 'boolean' }, detail: { type: 'string' } } },
  })
  checks!: Record<string, ReadinessAnswer>;
}

/** What every process tells whoever runs it. Open to all, so nothing here is about merchants. */
@ApiTags('operate')
@Controller()
export class OperatingController {
  constructor(private readonly readiness: Readiness) {
    // The registry belongs to the Node process, which may hold several applications in tests.
    if (register.getSingleMetric('recount_process_cpu_seconds_total') === undefined) collectDefaultMetrics({ prefix: 'recount_' });
  }

  @Get('health/live')
  @ApiOkResponse({ type: LiveAnswer, description: 'The process runs and its event loop turns.' })
  live(): LiveAnswer {
    return { status: 'live' };
  }

  @Get('health/ready')
  @ApiOkResponse({ type: ReadyAnswer, description: 'Send traffic.' })
  @ApiServiceUnavailableResponse({ type: ReadyAnswer, description: 'Send none; `checks` says why.' })
  async ready(@Res({ passthrough: true }) response: Response): Promise<ReadyAnswer> {
    const checks = await this.ask();
    const isReady = Object.values(checks).every((answer) => answer.ok);
    response.status(isReady ? 200 : 503);
    response.setHeader('cache-control', 'no-store');
    return { status: isReady ? 'ready' : 'not-ready', checks };
  }

  @Get('metrics')
  @Header('content-type', register.contentType)
  @Header('cache-control', 'no-store')
  @ApiOkResponse({ description: 'Prometheus text format.', content: { 'text/plain': { schema: { type: 'string' } } } })
  metrics(): Promise<string> {
    return register.metrics();
  }

  private async ask(): Promise<Record<string, ReadinessAnswer>> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Record<string, ReadinessAnswer>>((resolve) => {
      const detail = `a check did not answer within ${readyWithinMs / 1_000} s`;
      timer = setTimeout(() => resolve({ readiness: { ok: false, detail } }), readyWithinMs);
    });
    try {
      return await Promise.race([this.readiness.ask(), late]);
    } catch (error) {
      return { readiness: { ok: false, detail: `a check failed: ${error instanceof Error ? error.message : String(error)}` } };
    } finally {
      clearTimeout(timer);
    }
  }
}
