import type { ClientHttp2Session } from 'node:http2';
import * as net from 'node:net';

/** Sends bytes and leaves, with a goodbye or without; what the server does with the connection is its own business. */
export function throwAt(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    // A reset is a fair answer to garbage.
    socket.on('error', () => undefined).once('close', () => resolve());
    socket.resume();
    setTimeout(() => (bytes.length % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()), 150);
  });
}

/** What the server says to bytes before it closes, as text. */
export function saidTo(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(3_000, () => socket.destroy());
    socket
      .on('data', (chunk: Buffer) => (said += chunk.toString()))
      .on('error', () => undefined)
      .once('close', () => resolve(said));
  });
}

/** A gRPC call of the event store's stream service, framed as it should be (gRPC over HTTP/2, length-prefixed message) around any bytes. */
export function callStreams(session: ClientHttp2Session, method: string, message: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const header = Buffer.alloc(5);
    header.writeUInt32BE(message.length, 1);
    const stream = session.request({
      ':method': 'POST',
      ':path': `/event_store.client.streams.Streams/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => undefined).once('close', () => resolve());
    stream.resume().end(Buffer.concat([header, message]));
    setTimeout(() => stream.close(), 300);
  });
}

/** An OP_MSG of the MongoDB wire protocol with one section of kind 0, whatever it holds. */
export function opMsg(flags: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(21);
  header.writeInt32LE(21 + body.length, 0);
  header.writeInt32LE(2013, 12);
  header.writeUInt32LE(flags, 16);
  return Buffer.concat([header, body]);
}
