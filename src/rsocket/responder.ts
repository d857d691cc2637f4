import { type Cancellable, ErrorCodes, type OnExtensionSubscriber, type Payload, type RSocket } from 'rsocket-core';
import type { KeyDirectory, KeyLookup } from '../peers/key-directory';
import { Refusal } from './refusal';
import type { Asking, ChannelPeer, RsocketRoute, StreamPeer, StreamSource } from './route';
import { RouteReader } from './routing';
import { originRefused, type Session } from './setup';

export interface ResponderContext {
  readonly routes: ReadonlyMap<string, RsocketRoute>;
  readonly keys: KeyDirectory;
  /** Ends the connection: its key no longer opens anything, or nothing for its page. */
  readonly onClosed: (message: string) => void;
}

type Kind = 'fireAndForget' | 'requestResponse' | 'requestStream' | 'requestChannel';

/** Requests, streams and channels one connection may have under way. */
const REQUESTS_MAX = 256;
const ignored = { onExtension: () => undefined };

/** Gives the requests of one connection to the roles that answer them. */
export class Responder implements Partial<RSocket> {
  private readonly names: RouteReader;
  private readonly asking: Asking;
  private underWay = 0;

  constructor(
    private readonly session: Session,
    private readonly context: ResponderContext,
  ) {
    this.names = new RouteReader(session.metadataMimeType);
    this.asking = { session, checkKey: () => void this.checkKey() };
  }

  fireAndForget(payload: Payload): Cancellable {
    const route = this.routeFor(payload, 'fireAndForget');
    if (!(route instanceof Refusal)) route.fireAndForget(this.asking, payload);
    return { cancel: () => undefined };
  }

  requestResponse(payload: Payload, peer: StreamPeer): Cancellable & OnExtensionSubscriber {
    const route = this.routeFor(payload, 'requestResponse');
    const release = route instanceof Refusal ? route : this.reserve();
    if (route instanceof Refusal || release instanceof Refusal) {
      peer.onError(release as Refusal);
      return { cancel: () => undefined, ...ignored };
    }
    let isOver = false;
    route
      .requestResponse(this.asking, payload)
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

  requestStream(payload: Payload, credit: number, peer: StreamPeer): StreamSource {
    const route = this.routeFor(payload, 'requestStream');
    if (route instanceof Refusal) throw route;
    const release = this.reserve();
    if (release instanceof Refusal) throw release;
    return route.requestStream(this.asking, payload, credit, peer, release);
  }

  requestChannel(payload: Payload, credit: number, isComplete: boolean, peer: ChannelPeer): ChannelPeer {
    const route = this.routeFor(payload, 'requestChannel');
    if (route instanceof Refusal) throw route;
    const release = this.reserve();
    if (release instanceof Refusal) throw release;
    return route.requestChannel(this.asking, payload, credit, isComplete, peer, release);
  }

  private routeFor<K extends Kind>(payload: Payload, kind: K): (RsocketRoute & Required<Pick<RsocketRoute, K>>) | Refusal {
    let name: string;
    try {
      name = this.names.routeOf(payload.metadata);
    } catch {
      return invalid('the metadata could not be read');
    }
    const route = this.context.routes.get(name);
    if (route === undefined) return invalid(`there is no route ${JSON.stringify(name.slice(0, 100))}`);
    if (route[kind] === undefined) return invalid(route.taken);
    void this.checkKey();
    return route.refusalOf(this.session) ?? (route as RsocketRoute & Required<Pick<RsocketRoute, K>>);
  }

  /** A connection may outlive its key, and what it knew of it: what the directory learns ends it, or goes for the next request. */
  checkKey(): Promise<void> | undefined {
    const lookup = this.context.keys.find(this.session.keyHash);
    if (lookup instanceof Promise) return lookup.then((late) => this.heed(late));
    this.heed(lookup);
    return undefined;
  }

  private heed(lookup: KeyLookup): void {
    if (lookup.kind === 'unavailable') return;
    if (lookup.kind === 'unknown') return this.context.onClosed('this key was revoked');
    if (lookup.record === this.session.record) return;
    this.session.record = lookup.record;
    const refused = originRefused(lookup.record, this.session.origin);
    if (refused !== undefined) this.context.onClosed(refused);
  }

  private reserve(): (() => void) | Refusal {
    if (this.underWay >= REQUESTS_MAX) {
      return new Refusal(ErrorCodes.REJECTED, `${REQUESTS_MAX} requests are under way on this connection; wait for answers`);
    }
    this.underWay++;
    let isReleased = false;
    return () => {
      if (!isReleased) this.underWay--;
      isReleased = true;
    };
  }
}

const invalid = (message: string): Refusal => new Refusal(ErrorCodes.INVALID, message);
