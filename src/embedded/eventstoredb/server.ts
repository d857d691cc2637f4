import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb';
import { appendHandler } from './append';
import { batchAppendHandler } from './batch-append';
import { deleteHandler, tombstoneHandler } from './delete';
import { gossip, supportedMethods } from './discovery';
import type { OpenCalls } from './open-calls';
import { readHandler } from './read';
import type { StreamStore } from './stream-store';
import { decodeAppend, decodeBatchAppend } from './wire/append-request';
import { MalformedMessage } from './wire/protobuf-reader';

/** The server stores events of up to this size (its records may be larger than one append through gRPC). */
const messageBytesMax = 17 << 20;
const keepAliveMs = 10_000;

/** The generated service with the large messages read by hand, and replies that are encoded already passed through. */
const streamsService: ServiceDefinition = {
  ...StreamsService,
  read: { ...StreamsService.read, responseSerialize: (response: Buffer) => response },
  append: { ...StreamsService.append, requestDeserialize: orMalformed(decodeAppend) },
  batchAppend: {
    ...StreamsService.batchAppend,
    requestDeserialize: orMalformed(decodeBatchAppend),
    responseSerialize: (response: Buffer) => response,
  },
} as unknown as ServiceDefinition;

/** A message that is none is handed to the call, which refuses it and ends; thrown here, the call would never hear of it. */
function orMalformed<Message>(decode: (bytes: Buffer) => Message): (bytes: Buffer) => Message | MalformedMessage {
  return (bytes) => {
    try {
      return decode(bytes);
    } catch (error) {
      if (error instanceof MalformedMessage) return error;
      throw error;
    }
  };
}

export interface ServerOptions {
  /** Streams one connection may have open at a time. */
  concurrentStreamsMax: number;
}

/** The gRPC services over a store. Whatever is not here is answered with UNIMPLEMENTED. */
export function buildServer(
  store: StreamStore,
  calls: OpenCalls,
  address: () => { host: string; port: number },
  options: ServerOptions,
): Server {
  const server = new Server({
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': options.concurrentStreamsMax,
    'grpc.keepalive_time_ms': keepAliveMs,
    'grpc.keepalive_timeout_ms': keepAliveMs,
  });
  server.addService(streamsService, {
    read: readHandler(store.log, calls),
    append: appendHandler(store),
    batchAppend: batchAppendHandler(store, calls),
    delete: deleteHandler(store),
    tombstone: tombstoneHandler(store),
  } as UntypedServiceImplementation);
  server.addService(ServerFeaturesService, { getSupportedMethods: supportedMethods });
  server.addService(GossipService, { read: gossip(address) });
  return server;
}

/** Binds and returns the port. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
}
