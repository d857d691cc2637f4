import { connect as connectTcp, type Socket } from 'node:net';
import { deserializeFrame, Flags, type Frame, FrameTypes, serializeFrame, type SetupFrame } from 'rsocket-core';
import { WebSocket } from 'ws';
import { mimeTypes } from '../../src/protocol/rsocket';
import { writeKey } from './collector';

/** A peer that sends any bytes it likes, and listens to what comes back. */
export interface RawPeer {
  send(bytes: Buffer): void;
  /** Frames the server sent so far. */
  readonly frames: Frame[];
  readonly closed: Promise<void>;
  readonly isClosed: () => boolean;
  pauseReading(): void;
  /** Resets the connection. */
  abort(): void;
  end(): void;
}

export async function rawTcp(port: number): Promise<RawPeer> {
  const socket = connectTcp(port, '127.0.0.1');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const frames: Frame[] = [];
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 3 && rest.length >= 3 + rest.readUIntBE(0, 3)) {
      const end = 3 + rest.readUIntBE(0, 3);
      frames.push(deserializeFrame(rest.subarray(3, end)));
      rest = rest.subarray(end);
    }
  });
  return {
    ...endingOf(socket),
    frames,
    send: (bytes) => void socket.write(bytes),
    pauseReading: () => void socket.pause(),
    abort: () => void socket.resetAndDestroy(),
    end: () => void socket.end(),
  };
}

function endingOf(socket: Socket | WebSocket): Pick<RawPeer, 'closed' | 'isClosed'> {
  let isOver = false;
  // A reset is one way for the server to end what it does not want.
  (socket as Socket).on('error', () => undefined);
  const closed = new Promise<void>((resolve) =>
    (socket as Socket).once('close', () => {
      isOver = true;
      resolve();
    }),
  );
  return { closed, isClosed: () => isOver };
}

/** Bytes are sent as one binary message. */
export async function rawWs(port: number): Promise<RawPeer & { readonly socket: WebSocket }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const frames: Frame[] = [];
  socket.on('message', (message: Buffer) => frames.push(deserializeFrame(message)));
  return {
    ...endingOf(socket),
    socket,
    frames,
    send: (bytes) => socket.send(bytes),
    pauseReading: () => socket.pause(),
    abort: () => socket.terminate(),
    end: () => socket.close(),
  };
}

export const withLength = (frame: Buffer): Buffer => {
  const length = Buffer.alloc(3);
  length.writeUIntBE(frame.length, 0, 3);
  return Buffer.concat([length, frame]);
};

export const setupFrame = (fields: Partial<SetupFrame> = {}): Buffer =>
  serializeFrame({
    type: FrameTypes.SETUP,
    streamId: 0,
    flags: Flags.NONE,
    majorVersion: 1,
    minorVersion: 0,
    keepAlive: 10_000,
    lifetime: 60_000,
    dataMimeType: mimeTypes.json,
    metadataMimeType: mimeTypes.compositeMetadata,
    data: Buffer.from(JSON.stringify({ writeKey })),
    metadata: null,
    resumeToken: null,
    ...fields,
  } as SetupFrame)!;

/** Header and body as given, true to the protocol or not. */
export function anyFrame(streamId: number, type: number, flags: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(6);
  header.writeInt32BE(streamId, 0);
  header.writeUInt16BE((type << 10) | flags, 4);
  return Buffer.concat([header, body]);
}

export const int32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeInt32BE(value, 4 * i));
  return bytes;
};
