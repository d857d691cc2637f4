import {
  type ErrorCodes,
  type OnExtensionSubscriber,
  type OnNextSubscriber,
  type OnTerminalSubscriber,
  type Payload,
  type RSocket,
  RSocketConnector,
  type RSocketError,
} from 'rsocket-core';
import { encodeBearerAuthMetadata, encodeCompositeMetadata, encodeRoute, WellKnownMimeType } from 'rsocket-composite-metadata';
import { TcpClientTransport } from 'rsocket-tcp-client';
import { WebsocketClientTransport } from 'rsocket-websocket-client';
import { WebSocket } from 'ws';
import type { CollectAnswer } from '../../src/protocol/event';
import { mimeTypes } from '../../src/protocol/rsocket';
import type { RunningCollector } from './collector';

export type Kind = 'tcp' | 'ws';
export type Socket = RSocket;

export interface ConnectOptions {
  readonly key?: string;
  /** The key in the data of SETUP instead of its metadata. */
  readonly keyInData?: boolean;
  readonly keepAliveMs?: number;
  readonly lifetimeMs?: number;
  readonly origin?: string;
}

/** The clients others use, unmodified. */
export function connect(collector: Pick<RunningCollector, 'tcpPort' | 'wsPort'>, kind: Kind, options: ConnectOptions = {}): Promise<Socket> {
  const { key, keyInData = false, keepAliveMs = 10_000, lifetimeMs = 60_000, origin } = options;
  const bearer = key !== undefined && !keyInData;
  const transport =
    kind === 'tcp'
      ? new TcpClientTransport({ connectionOptions: { host: '127.0.0.1', port: collector.tcpPort } })
      : new WebsocketClientTransport({
          url: `ws://127.0.0.1:${collector.wsPort}`,
          wsCreator: (url) => new WebSocket(url, origin === undefined ? {} : { origin }) as never,
        });
  return new RSocketConnector({
    transport,
    setup: {
      keepAlive: keepAliveMs,
      lifetime: lifetimeMs,
      dataMimeType: mimeTypes.json,
      metadataMimeType: mimeTypes.compositeMetadata,
      payload: {
        data: keyInData ? Buffer.from(JSON.stringify({ writeKey: key })) : null,
        ...(bearer
          ? { metadata: encodeCompositeMetadata([[WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION, encodeBearerAuthMetadata(key)]]) }
          : {}),
      },
    },
  }).connect();
}

export function payloadOf(value: unknown, route?: string): Payload {
  const data = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return route === undefined
    ? { data }
    : { data, metadata: encodeCompositeMetadata([[WellKnownMimeType.MESSAGE_RSOCKET_ROUTING, encodeRoute(route)]]) };
}

const noExtension: OnExtensionSubscriber = { onExtension: () => undefined };

export function requestResponse(socket: Socket, payload: Payload): Promise<CollectAnswer> {
  return new Promise((resolve, reject) => {
    const subscriber: OnNextSubscriber & OnTerminalSubscriber & OnExtensionSubscriber = {
      onNext: ({ data }) => resolve(JSON.parse(data!.toString()) as CollectAnswer),
      onComplete: () => undefined,
      onError: reject,
      ...noExtension,
    };
    socket.requestResponse(payload, subscriber);
  });
}

export function fireAndForget(socket: Socket, payload: Payload): Promise<void> {
  return new Promise((resolve, reject) => void socket.fireAndForget(payload, { onComplete: resolve, onError: reject }));
}

/** What ended a connection. */
export function closed(socket: Socket): Promise<{ code: ErrorCodes | undefined; message: string }> {
  return new Promise((resolve) =>
    socket.onClose((error) => resolve({ code: (error as RSocketError | undefined)?.code, message: error?.message ?? '' })),
  );
}

/** Sends batches as the server gives credit, and gives out what it answers. */
export function channel(
  socket: Socket,
  batches: readonly Payload[],
  answersWanted = 0x7fffffff,
): { answers: CollectAnswer[]; sent: () => number; requestAnswers(n: number): void; finished: Promise<void> } {
  const answers: CollectAnswer[] = [];
  let sent = 1;
  let requestAnswers: (n: number) => void = () => undefined;
  const finished = new Promise<void>((resolve, reject) => {
    const stream = socket.requestChannel(batches[0]!, answersWanted, batches.length === 1, {
      onNext: ({ data }, isComplete) => {
        answers.push(JSON.parse(data!.toString()) as CollectAnswer);
        if (isComplete) resolve();
      },
      onComplete: resolve,
      onError: reject,
      request: (n) => {
        for (; n > 0 && sent < batches.length; n--) {
          const batch = batches[sent++]!;
          stream.onNext(batch, sent === batches.length);
        }
      },
      cancel: () => undefined,
      ...noExtension,
    });
    requestAnswers = (n) => stream.request(n);
  });
  return { answers, sent: () => sent, requestAnswers: (n) => requestAnswers(n), finished };
}
