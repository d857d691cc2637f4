import { Injectable } from '@nestjs/common';
import { ErrorCodes, type Payload } from 'rsocket-core';
import { rsocketRoutes } from '../../protocol/rsocket';
import { Refusal } from '../../rsocket/refusal';
import type { Asking, RsocketRoute, StreamPeer, StreamSource } from '../../rsocket/route';
import type { Session } from '../../rsocket/setup';
import { botChoices, type BotChoice } from '../reading';
import type { RealtimeParameters } from '../realtime/realtime';
import { isUnanswered, type Unanswered } from '../refusal';
import { LiveNumbers, type ListenerPlace } from './live-numbers';

const questionBytesMax = 16 << 10;

/** `report.live` over RSocket: the realtime answer of the token's merchant at once, then whenever its numbers change. */
@Injectable()
export class LiveRoute implements RsocketRoute {
  readonly name = rsocketRoutes.reportLive;
  readonly taken = 'report.live is a stream; ask for it with request/stream';

  constructor(private readonly numbers: LiveNumbers) {}

  refusalOf({ record }: Session): Refusal | undefined {
    return record.kind === 'read'
      ? undefined
      : new Refusal(ErrorCodes.REJECTED, 'this write key sends events; reading reports needs a read token');
  }

  requestStream(asking: Asking, payload: Payload, credit: number, peer: StreamPeer, release: () => void): StreamSource {
    const asked = readQuestion(payload);
    const { merchantId } = asking.session.record;
    const place = asked instanceof Refusal ? undefined : this.numbers.reserve(merchantId);
    if (asked instanceof Refusal || place === undefined) {
      release();
      throw asked instanceof Refusal ? asked : busy;
    }
    const stream = new LiveStream(asking, place, credit, peer, release);
    void this.begin(merchantId, asked, place, stream);
    return stream;
  }

  private async begin(merchantId: string, asked: RealtimeParameters, place: ListenerPlace, stream: LiveStream): Promise<void> {
    try {
      const first = await this.numbers.first(merchantId, asked);
      if (isUnanswered(first)) return stream.end(first);
      stream.frame(JSON.stringify(first));
      place.listen(asked, first, stream);
    } catch {
      stream.fail(new Refusal(ErrorCodes.APPLICATION_ERROR, 'the numbers cannot be read at the moment; ask again'));
    }
  }
}

const busy = new Refusal(ErrorCodes.REJECTED, 'as many are listening as this process serves; ask again later');

/** One listener: gets the newest numbers as often as it asks for them, never older ones in between. */
class LiveStream implements StreamSource {
  private waiting: string | undefined;
  private isOver = false;

  constructor(
    private readonly asking: Asking,
    private readonly place: ListenerPlace,
    private credit: number,
    private readonly peer: StreamPeer,
    private readonly release: () => void,
  ) {}

  frame(json: string): void {
    if (this.isOver) return;
    this.waiting = json;
    this.send();
    // A stream goes on for as long as its connection: a token that was revoked ends both.
    this.asking.checkKey();
  }

  /** The process stops, or the question has no answer. */
  end(reason: Unanswered | undefined): void {
    if (reason !== undefined) return this.fail(refusalFor(reason));
    if (this.close()) this.peer.onComplete();
  }

  fail(refusal: Refusal): void {
    if (this.close()) this.peer.onError(refusal);
  }

  request(credit: number): void {
    this.credit = Math.min(Number.MAX_SAFE_INTEGER, this.credit + credit);
    this.send();
  }

  cancel(): void {
    this.close();
  }

  onExtension(): void {
    // No extensions are offered.
  }

  private send(): void {
    if (this.isOver || this.credit === 0 || this.waiting === undefined) return;
    const json = this.waiting;
    this.waiting = undefined;
    this.credit--;
    this.peer.onNext({ data: Buffer.from(json) }, false);
  }

  private close(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.place.leave();
    this.release();
    return true;
  }
}

function refusalFor(reason: Unanswered): Refusal {
  switch (reason.unanswered) {
    case 'refused':
      return new Refusal(ErrorCodes.INVALID, `${reason.parameter}: ${reason.detail}`);
    case 'no-such-merchant':
    case 'no-such-funnel':
      return new Refusal(ErrorCodes.REJECTED, reason.detail);
    case 'not-counting':
      return new Refusal(ErrorCodes.APPLICATION_ERROR, reason.detail);
  }
}

/** `{"metrics":["pageviews"],"bots":"exclude"}`, both of them as they like. */
function readQuestion({ data }: Payload): RealtimeParameters | Refusal {
  if (data === null || data === undefined || data.length === 0) return {};
  if (data.length > questionBytesMax) return invalid(`the data must be at most ${questionBytesMax} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch {
    return invalid('the data is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid('the data must be an object');
  const { metrics, bots, ...unknown } = value as { metrics?: unknown; bots?: unknown };
  const [field] = Object.keys(unknown);
  if (field !== undefined) return invalid(`unknown field ${JSON.stringify(field.slice(0, 64))}; there are metrics and bots`);
  if (metrics !== undefined && !isListOfNames(metrics)) return invalid('metrics must be a list of names, like ["pageviews"]');
  if (bots !== undefined && !botChoices.includes(bots as BotChoice)) return invalid(`bots must be one of ${botChoices.join(', ')}`);
  return { ...(metrics !== undefined && { metrics: metrics.join() }), ...(bots !== undefined && { bots: bots as BotChoice }) };
}

const isListOfNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');

const invalid = (message: string): Refusal => new Refusal(ErrorCodes.INVALID, message);
