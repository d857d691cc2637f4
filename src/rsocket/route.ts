import type { Cancellable, OnExtensionSubscriber, OnNextSubscriber, OnTerminalSubscriber, Payload, Requestable } from 'rsocket-core';
import type { Refusal } from './refusal';
import type { Session } from './setup';

export type StreamPeer = OnTerminalSubscriber & OnNextSubscriber & OnExtensionSubscriber;
export type StreamSource = Requestable & Cancellable & OnExtensionSubscriber;
export type ChannelPeer = StreamPeer & Requestable & Cancellable;

/** What a connection knows of itself when it asks. */
export interface Asking {
  readonly session: Session;
  /** Looks at the key again, and ends the connection when it no longer opens anything; for what goes on longer than a request. */
  checkKey(): void;
}

/** What one role answers under one name, in the kinds of requests that it takes. */
export interface RsocketRoute {
  readonly name: string;
  /** Said to the other kinds. */
  readonly taken: string;
  /** Why this connection may not ask. */
  refusalOf(session: Session): Refusal | undefined;
  fireAndForget?(asking: Asking, payload: Payload): void;
  /** The answer; rejects with what the client is told. */
  requestResponse?(asking: Asking, payload: Payload): Promise<Buffer>;
  /** @param release to be called once it is over */
  requestStream?(asking: Asking, payload: Payload, credit: number, peer: StreamPeer, release: () => void): StreamSource;
  requestChannel?(
    asking: Asking,
    payload: Payload,
    credit: number,
    isComplete: boolean,
    peer: ChannelPeer,
    release: () => void,
  ): ChannelPeer;
}
