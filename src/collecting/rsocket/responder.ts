import type { CommandBus } from '@nestjs/cqrs';
import {
  type Cancellable,
  ErrorCodes,
  type OnExtensionSubscriber,
  type OnNextSubscriber,
  type OnTerminalSubscriber,
  type Payload,
  type Requestable,
  type RSocket,
} from 'rsocket-core';
import type { Logger } from '../../logging';
import { rsocketRoutes } from '../../protocol/rsocket';
import { CollectBatch, type CollectOutcome, type CollectSource } from '../collect-batch';
import type { KeyDirectory, KeyLookup } from '../key-directory';
import { type ChannelPeer, CollectChannel } from './collect-channel';
import { Refusal } from './refusal';
import { RouteReader } from './routing';
import type { Session } from './setup';

type Answering = OnTerminalSubscriber & OnNextSubscriber & OnExtensionSubscriber;

export interface ResponderContext {
  readonly commandBus: CommandBus;
  readonly keys: KeyDirectory;
  readonly logger: Logger;
  /** Ends the connection: its key no longer opens anything. */
  readonly onRevoked: (message: string) => void;
}

/** Requests and channels one connection may have under way. */
const REQUESTS_MAX = 256;
const NOTHING = Buffer.alloc(0);
const ignored = { onExtension: () => undefined };

/** Answers the requests of one connection. */
export class Responder implements Partial<RSocket> {
  private readonly routes: RouteReader;
  private underWay = 0;

  constructor(
    private readonly session: Session,
    private readonly context: ResponderContext,
  ) {
    this.routes = new RouteReader(session.metadataMimeType);
  }

  /** Best effort: nobody waits, so what cannot be taken is counted and, where it can be, kept with the rejects. */
  fireAndForget(payload: Payload): Cancellable {
    const source = this.sourceFor(payload);
    if (!(source instanceof Refusal)) {
      this.execute(source, payload, false).catch((error: unknown) => this.context.logger.error({ err: error }, 'collecting failed'));
    }
    return { cancel: () => undefined };
  }

  requestResponse(payload: Payload, peer: Answering): Cancellable & OnExtensionSubscriber {
    const source = this.sourceFor(payload);
    const release = source instanceof Refusal ? source : this.reserve();
    if (source instanceof Refusal || release instanceof Refusal) {
      peer.onError(release as Refusal);
      return { cancel: () => undefined, ...ignored };
    }
    let isOver = false;
    this.collect(source, payload)
      .finally(release)
      .then(
        (answer) => {
          if (!isOver) peer.onNext({ data: answer }, true);
        },
        (error: unknown) => {
          if (!isOver) peer.onError(error as Error);
        },
      );
    return { cancel: () => void (isOver = true), ...ignored };
  }

  requestChannel(payload: Payload, initialCredit: number, isComplete: boolean, peer: ChannelPeer): ChannelPeer {
    const source = this.sourceFor(payload);
    if (source instanceof Refusal) throw source;
    const release = this.reserve();
    if (release instanceof Refusal) throw release;
    return new CollectChannel(payload, initialCredit, isComplete, peer, (batch) => this.collect(source, batch), release);
  }

  requestStream(payload: Payload, _initialCredit: number, _peer: Answering): Requestable & Cancellable & OnExtensionSubscriber {
    const route = this.routeOf(payload);
    if (route instanceof Refusal) throw route;
    if (route === rsocketRoutes.collect) throw invalid('collect is not a stream; send it as fire-and-forget, request/response or channel');
    throw unknownRoute(route);
  }

  /** Whose events these are, or why they are not taken. */
  private sourceFor(payload: Payload): CollectSource | Refusal {
    const route = this.routeOf(payload);
    if (route instanceof Refusal) return route;
    if (route !== rsocketRoutes.collect) return unknownRoute(route);
    this.checkKey();
    const { record } = this.session;
    return record.kind === 'write'
      ? record
      : new Refusal(ErrorCodes.REJECTED, 'this token reads reports; sending events needs a write key');
  }

  private routeOf(payload: Payload): string | Refusal {
    try {
      return this.routes.routeOf(payload.metadata);
    } catch {
      return invalid('the metadata could not be read');
    }
  }

  /** A connection may outlive its key: what the directory learns ends it. */
  private checkKey(): void {
    const lookup = this.context.keys.find(this.session.keyHash);
    if (lookup instanceof Promise) void lookup.then((late) => this.endIfRevoked(late));
    else this.endIfRevoked(lookup);
  }

  private endIfRevoked(lookup: KeyLookup): void {
    if (lookup.kind === 'unknown') this.context.onRevoked('this key was revoked');
  }

  private reserve(): (() => void) | Refusal {
    if (this.underWay >= REQUESTS_MAX) {
      return new Refusal(ErrorCodes.REJECTED, `${REQUESTS_MAX} requests are under way on this connection; wait for answers`);
    }
    this.underWay++;
    return () => void this.underWay--;
  }

  /** The answer; rejects with what the client is told. */
  private async collect(source: CollectSource, payload: Payload): Promise<Buffer> {
    let outcome: CollectOutcome;
    try {
      outcome = await this.execute(source, payload, true);
    } catch (error) {
      this.context.logger.error({ err: error }, 'collecting failed');
      throw new Refusal(ErrorCodes.APPLICATION_ERROR, 'the events were not taken; send the same events again, they count once');
    }
    switch (outcome.kind) {
      case 'collected':
        return Buffer.from(JSON.stringify(outcome.answer));
      case 'malformed':
        throw invalid(outcome.malformed.detail);
      case 'overloaded':
        throw new Refusal(ErrorCodes.REJECTED, outcome.detail);
      case 'not-durable':
        throw new Refusal(ErrorCodes.APPLICATION_ERROR, outcome.detail);
    }
  }

  private execute(source: CollectSource, payload: Payload, awaited: boolean): Promise<CollectOutcome> {
    const data = payload.data ?? NOTHING;
    return this.context.commandBus.execute(new CollectBatch(source, data, Date.now(), awaited, this.session.visitorAddress));
  }
}

const invalid = (message: string): Refusal => new Refusal(ErrorCodes.INVALID, message);
const unknownRoute = (route: string): Refusal => invalid(`there is no route ${JSON.stringify(route.slice(0, 100))}`);
