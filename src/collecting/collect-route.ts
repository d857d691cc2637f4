import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ErrorCodes, type Payload } from 'rsocket-core';
import { LOGGER, type Logger } from '../logging';
import { rsocketRoutes } from '../protocol/rsocket';
import { Refusal } from '../rsocket/refusal';
import type { Asking, ChannelPeer, RsocketRoute } from '../rsocket/route';
import type { Session } from '../rsocket/setup';
import { CollectBatch, type CollectOutcome, type CollectSource } from './collect-batch';
import { CollectChannel } from './collect-channel';

const NOTHING = Buffer.alloc(0);

/** `collect` over RSocket: batches of events from connections that hold a write key. */
@Injectable()
export class CollectRoute implements RsocketRoute {
  readonly name = rsocketRoutes.collect;
  readonly taken = 'collect is not a stream; send it as fire-and-forget, request/response or channel';

  constructor(
    private readonly commandBus: CommandBus,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  refusalOf({ record }: Session): Refusal | undefined {
    return record.kind === 'write'
      ? undefined
      : new Refusal(ErrorCodes.REJECTED, 'this token reads reports; sending events needs a write key');
  }

  /** Best effort: nobody waits, so what cannot be taken is counted and, where it can be, kept with the rejects. */
  fireAndForget({ session }: Asking, payload: Payload): void {
    this.execute(session, payload, false).catch((error: unknown) => this.logger.error({ err: error }, 'collecting failed'));
  }

  requestResponse({ session }: Asking, payload: Payload): Promise<Buffer> {
    return this.collect(session, payload);
  }

  requestChannel(
    { session, checkKey }: Asking,
    payload: Payload,
    credit: number,
    isComplete: boolean,
    peer: ChannelPeer,
    release: () => void,
  ): ChannelPeer {
    const collect = (batch: Payload): Promise<Buffer> => {
      checkKey();
      return this.collect(session, batch);
    };
    return new CollectChannel(payload, credit, isComplete, peer, collect, release);
  }

  /** The answer; rejects with what the client is told. */
  private async collect(session: Session, payload: Payload): Promise<Buffer> {
    let outcome: CollectOutcome;
    try {
      outcome = await this.execute(session, payload, true);
    } catch (error) {
      this.logger.error({ err: error }, 'collecting failed');
      throw new Refusal(ErrorCodes.APPLICATION_ERROR, 'the events were not taken; send the same events again, they count once');
    }
    switch (outcome.kind) {
      case 'collected':
        return Buffer.from(JSON.stringify(outcome.answer));
      case 'malformed':
        throw new Refusal(ErrorCodes.INVALID, outcome.malformed.detail);
      case 'overloaded':
        throw new Refusal(ErrorCodes.REJECTED, outcome.detail);
      case 'not-durable':
        throw new Refusal(ErrorCodes.APPLICATION_ERROR, outcome.detail);
    }
  }

  private execute({ record, visitorAddress }: Session, payload: Payload, awaited: boolean): Promise<CollectOutcome> {
    // Only write keys came past refusalOf.
    return this.commandBus.execute(new CollectBatch(record as CollectSource, payload.data ?? NOTHING, Date.now(), awaited, visitorAddress));
  }
}
