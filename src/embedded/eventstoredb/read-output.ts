import type { ServerWritableStream } from '@grpc/grpc-js';
import { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb';
import { type ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb';
import type { Signal } from './log/signal';
import { uuidHalves } from './wire/uuid';

/** The writing side of one Read call, with backpressure: a slow client is waited for, and nothing is buffered for it. */
export class ReadOutput {
  /** True once the client has gone or the call was ended. */
  over = false;
  private wake: (() => void) | undefined;

  constructor(
    private readonly call: ServerWritableStream<ReadReq, Buffer>,
    private readonly structuredIds: boolean,
    private readonly closed: () => void,
  ) {
    const gone = (): void => this.finish();
    call.on('cancelled', gone);
    call.on('error', gone);
    call.on('drain', () => this.wake?.());
  }

  /** Encoded ReadResp messages, as stored. Resolves when the client has room for more. */
  async events(bodies: readonly Buffer[]): Promise<void> {
    for (const body of bodies) {
      if (this.over) return;
      if (!this.call.write(this.structuredIds ? withStructuredId(body) : body)) await this.woken();
    }
  }

  async confirmation(subscriptionId: string): Promise<void> {
    await this.message(new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId(subscriptionId)));
  }
  async checkpoint(position: number): Promise<void> {
    const at = String(position);
    await this.message(new ReadResp().setCheckpoint(new ReadResp.Checkpoint().setCommitPosition(at).setPreparePosition(at)));
  }
  async caughtUp(): Promise<void> {
    await this.message(new ReadResp().setCaughtUp(new ReadResp.CaughtUp()));
  }
  async fellBehind(): Promise<void> {
    await this.message(new ReadResp().setFellBehind(new ReadResp.FellBehind()));
  }
  async streamNotFound(name: string): Promise<void> {
    const identifier = new StreamIdentifier().setStreamName(Buffer.from(name));
    await this.message(new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(identifier)));
  }

  /** Resolves at the signal's next change, or when the call is over. */
  async changeOf(signal: Signal): Promise<void> {
    if (this.over) return;
    const withdraw = signal.once(() => this.wake?.());
    await this.woken();
    withdraw();
  }

  end(): void {
    if (this.over) return;
    this.finish();
    this.call.end();
  }

  fail(error: Error): void {
    if (this.over) return;
    this.finish();
    this.call.emit('error', error);
  }

  private async message(message: ReadResp): Promise<void> {
    await this.events([Buffer.from(message.serializeBinary())]);
  }

  private woken(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        resolve();
      };
    });
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.closed();
    this.wake?.();
  }
}

/** Bodies are stored with ids as text; the few clients that ask for integers get them translated. */
function withStructuredId(body: Buffer): Buffer {
  const response = ReadResp.deserializeBinary(body);
  const event = response.getEvent()?.getEvent();
  const id = event?.getId();
  if (!event || !id) return body;
  const { most, least } = uuidHalves(id.getString());
  const structured = new UUID.Structured().setMostSignificantBits(String(most)).setLeastSignificantBits(String(least));
  event.setId(new UUID().setStructured(structured));
  return Buffer.from(response.serializeBinary());
}
