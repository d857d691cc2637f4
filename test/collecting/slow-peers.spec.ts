import * as fc from 'fast-check';
import { ErrorCodes, FrameTypes, RSocketServer } from 'rsocket-core';
import { FrameReader } from '../../src/rsocket/frame-reader';
import { TcpTransport } from '../../src/rsocket/tcp-transport';
import { WsTransport } from '../../src/rsocket/ws-transport';
import { anyFrame, rawTcp, rawWs, type RawPeer, setupFrame, withLength } from './raw-peers';
import type { Kind } from './rsocket-clients';

const { KEEPALIVE, REQUEST_FNF, ERROR } = FrameTypes;

describe.each<Kind>(['tcp', 'ws'])('a peer over %s that takes its time', (kind) => {
  const bounds = { setupWithinMs: 200, frameWithinMs: 200, unreadBytesMax: 1 << 20, vouchEveryMs: 100, lifetimeMinMs: 2_200 };
  let transport: TcpTransport | WsTransport;
  let stop: () => void;
  beforeAll(async () => {
    const options = { host: '127.0.0.1', port: 0, connectionsMax: 3, connectionBounds: bounds };
    transport = kind === 'tcp' ? new TcpTransport(options) : new WsTransport(options);
    const server = await new RSocketServer({ transport, acceptor: { accept: async () => ({}) } }).bind();
    stop = () => {
      server.close();
      transport.connections.destroyAll();
    };
  });
  afterAll(() => stop());
  const open = () => (kind === 'tcp' ? rawTcp(transport.port) : rawWs(transport.port));
  const sendFrame = (peer: RawPeer, frame: Buffer): void => peer.send(kind === 'tcp' ? withLength(frame) : frame);

  it('with SETUP is not waited for', async () => {
    const peer = await open();
    await peer.closed;
    expect(peer.frames[0]).toMatchObject({ type: ERROR, code: ErrorCodes.INVALID_SETUP });
  });

  if (kind === 'tcp') {
    it('with the rest of a frame is not waited for', async () => {
      const peer = await open();
      sendFrame(peer, setupFrame());
      peer.send(withLength(anyFrame(1, REQUEST_FNF, 0, Buffer.alloc(100))).subarray(0, 20));
      await peer.closed;
      expect(peer.frames[0]).toMatchObject({ type: ERROR, code: ErrorCodes.CONNECTION_ERROR });
    });
  }

  it('is held, told that this server lives, and not given up', async () => {
    const peer = await open();
    sendFrame(peer, setupFrame({ lifetime: 1_000 }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    transport.connections.hold(true);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(peer.isClosed()).toBe(false);
    expect(peer.frames.filter(({ type }) => type === KEEPALIVE).length).toBeGreaterThanOrEqual(2);
    transport.connections.hold(false);
    peer.end();
    await peer.closed;
  });

  it('with signs of life is given up after its lifetime', async () => {
    const peer = await open();
    sendFrame(peer, setupFrame({ lifetime: 1_000 }));
    await peer.closed;
  });

  it('is one of so many', async () => {
    const peers = await Promise.allSettled(Array.from({ length: 6 }, open));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(transport.connections.count).toBeLessThanOrEqual(3);
    for (const peer of peers) if (peer.status === 'fulfilled') peer.value.abort();
  });
});

describe('the frame reader', () => {
  it('gives the same frames however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 6, maxLength: 300 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map((frame) => withLength(Buffer.from(frame))));
          const reader = new FrameReader();
          const read: Buffer[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = at + cuts[i % cuts.length]!;
            reader.push(bytes.subarray(at, end));
            at = end;
            for (let frame = reader.next(); frame; frame = reader.next()) read.push(frame);
          }
          expect(read.map((frame) => [...frame])).toEqual(frames.map((frame) => [...frame]));
          expect(reader.isMidFrame).toBe(false);
        },
      ),
    );
  });
});
