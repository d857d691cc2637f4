import * as fc from 'fast-check';
import { connect as connectTcp } from 'node:net';
import { ErrorCodes, type ErrorFrame, Flags, FrameTypes } from 'rsocket-core';
import { type RunningCollector, someEvents, startCollector, writeKey } from './collector';
import { until } from './memory-stores';
import { anyFrame, int32, rawTcp, rawWs, type RawPeer, setupFrame, withLength } from './raw-peers';
import { connect, type Kind, payloadOf, requestResponse } from './rsocket-clients';
import { frameBytesMax } from '../../src/rsocket/frame-check';

const events = (): Buffer => Buffer.from(JSON.stringify(someEvents(1)));
const {
  SETUP,
  LEASE,
  KEEPALIVE,
  REQUEST_RESPONSE,
  REQUEST_FNF,
  REQUEST_STREAM,
  REQUEST_CHANNEL,
  REQUEST_N,
  PAYLOAD,
  ERROR,
  METADATA_PUSH,
  RESUME,
  RESUME_OK,
  EXT,
} = FrameTypes;
const { METADATA, FOLLOWS, RESPOND, IGNORE, RESUME_ENABLE } = Flags;

/** What ends a connection, and the code it is told; null where what says so depends on the transport. */
const ended = (rows: readonly [string, () => Buffer[], number?][]) =>
  rows.map(([what, frames, code]) => [what, frames, code ?? null] as const);

const beforeSetup = ended([
  ['a frame of one byte', () => [Buffer.from([1])]],
  ['an empty frame', () => [Buffer.alloc(0)]],
  ['a request instead of SETUP', () => [anyFrame(1, REQUEST_FNF, 0, events())], ErrorCodes.INVALID_SETUP],
  ['KEEPALIVE instead of SETUP', () => [anyFrame(0, KEEPALIVE, RESPOND, int32(0, 0))], ErrorCodes.INVALID_SETUP],
  ['an ignorable frame instead of SETUP', () => [anyFrame(0, 40, IGNORE)], ErrorCodes.INVALID_SETUP],
  ['RESUME', () => [anyFrame(0, RESUME, 0, Buffer.alloc(40))]],
  ['SETUP cut short', () => [setupFrame().subarray(0, 14)]],
  ['SETUP whose mime type is longer than the frame', () => [setupFrame().subarray(0, 22)]],
  ['SETUP on stream 1', () => [anyFrame(1, SETUP, 0, setupFrame().subarray(6))]],
  ['SETUP of version 2', () => [setupFrame({ majorVersion: 2 })], ErrorCodes.UNSUPPORTED_SETUP],
  ['SETUP of version 0', () => [setupFrame({ majorVersion: 0, minorVersion: 2 })], ErrorCodes.UNSUPPORTED_SETUP],
  ['SETUP with a lifetime of 0', () => [setupFrame({ lifetime: 0 })], ErrorCodes.INVALID_SETUP],
  ['SETUP with a negative keepalive', () => [setupFrame({ keepAlive: 0x8000_0000 })], ErrorCodes.INVALID_SETUP],
  [
    'SETUP that asks for resumption',
    () => [setupFrame({ flags: RESUME_ENABLE, resumeToken: Buffer.from('token') })],
    ErrorCodes.UNSUPPORTED_SETUP,
  ],
  ['SETUP that asks for leases', () => [setupFrame({ flags: Flags.LEASE })], ErrorCodes.UNSUPPORTED_SETUP],
  ['SETUP with broken JSON', () => [setupFrame({ data: Buffer.from('{"writeKey":') })], ErrorCodes.REJECTED_SETUP],
  ['SETUP with a list for a key', () => [setupFrame({ data: Buffer.from('{"writeKey":["a"]}') })], ErrorCodes.REJECTED_SETUP],
  [
    'SETUP with a key of 100,000 characters',
    () => [setupFrame({ data: Buffer.from(`{"writeKey":"${'k'.repeat(100_000)}"}`) })],
    ErrorCodes.REJECTED_SETUP,
  ],
  [
    'SETUP with garbage for metadata',
    () => [setupFrame({ flags: METADATA, metadata: Buffer.from([0x7f, 0xff, 0xff]) })],
    ErrorCodes.REJECTED_SETUP,
  ],
]);
const afterSetup = ended([
  ['a second SETUP', () => [setupFrame()], ErrorCodes.CONNECTION_ERROR],
  ['a negative stream id', () => [anyFrame(-5, REQUEST_FNF, 0, events())], ErrorCodes.CONNECTION_ERROR],
  ['a request on stream 0', () => [anyFrame(0, REQUEST_RESPONSE, 0, events())], ErrorCodes.CONNECTION_ERROR],
  ['a request on an even stream', () => [anyFrame(2, REQUEST_RESPONSE, 0, events())], ErrorCodes.CONNECTION_ERROR],
  ['a frame type that does not exist', () => [anyFrame(1, 42, 0)], ErrorCodes.CONNECTION_ERROR],
  ['the reserved frame type', () => [anyFrame(0, 0, 0)], ErrorCodes.CONNECTION_ERROR],
  ['LEASE', () => [anyFrame(0, LEASE, 0, int32(1000, 5))], ErrorCodes.CONNECTION_ERROR],
  ['RESUME in the middle', () => [anyFrame(0, RESUME, 0, Buffer.alloc(40))], ErrorCodes.CONNECTION_ERROR],
  ['RESUME_OK', () => [anyFrame(0, RESUME_OK, 0, Buffer.alloc(8))], ErrorCodes.CONNECTION_ERROR],
  ['an extension it may not ignore', () => [anyFrame(1, EXT, 0, int32(7))], ErrorCodes.CONNECTION_ERROR],
  [
    'metadata longer than its frame',
    () => [anyFrame(1, REQUEST_FNF, METADATA, Buffer.from([0xff, 0xff, 0xff, 1]))],
    ErrorCodes.CONNECTION_ERROR,
  ],
  ['metadata without a length', () => [anyFrame(1, REQUEST_FNF, METADATA, Buffer.from([0]))], ErrorCodes.CONNECTION_ERROR],
  ['a fragmented request', () => [anyFrame(1, REQUEST_FNF, FOLLOWS, events())], ErrorCodes.CONNECTION_ERROR],
  ['a fragmented channel', () => [anyFrame(1, REQUEST_CHANNEL, FOLLOWS, Buffer.concat([int32(1), events()]))], ErrorCodes.CONNECTION_ERROR],
  ['fragments of a payload', () => [anyFrame(1, PAYLOAD, FOLLOWS | Flags.NEXT, events())], ErrorCodes.CONNECTION_ERROR],
  ['a request for no answers', () => [anyFrame(1, REQUEST_STREAM, 0, int32(0))], ErrorCodes.CONNECTION_ERROR],
  ['a request for fewer than no answers', () => [anyFrame(1, REQUEST_CHANNEL, 0, int32(-1))], ErrorCodes.CONNECTION_ERROR],
  ['REQUEST_N without a number', () => [anyFrame(1, REQUEST_N, 0)], ErrorCodes.CONNECTION_ERROR],
  ['KEEPALIVE without a position', () => [anyFrame(0, KEEPALIVE, RESPOND)], ErrorCodes.CONNECTION_ERROR],
  ['KEEPALIVE on a stream', () => [anyFrame(1, KEEPALIVE, RESPOND, int32(0, 0))], ErrorCodes.CONNECTION_ERROR],
  ['KEEPALIVE with much to carry back', () => [anyFrame(0, KEEPALIVE, RESPOND, Buffer.alloc(100_000))], ErrorCodes.CONNECTION_ERROR],
  ['ERROR without a code', () => [anyFrame(0, ERROR, 0)], ErrorCodes.CONNECTION_ERROR],
  ['a goodbye', () => [anyFrame(0, ERROR, 0, Buffer.concat([int32(ErrorCodes.CONNECTION_ERROR), Buffer.from('bye')]))]],
  ['one byte in the middle', () => [Buffer.from([0])]],
]);
/** Strange, and allowed: the connection goes on. */
const tolerated: [string, () => Buffer[]][] = [
  ['METADATA_PUSH', () => [anyFrame(0, METADATA_PUSH, METADATA, Buffer.from('x'))]],
  ['an unknown frame that may be ignored', () => [anyFrame(0, 42, IGNORE)]],
  ['PAYLOAD for a stream that does not exist', () => [anyFrame(99, PAYLOAD, Flags.NEXT, events())]],
  ['CANCEL for a stream that does not exist', () => [anyFrame(99, FrameTypes.CANCEL, 0)]],
  ['REQUEST_N for a stream that does not exist', () => [anyFrame(99, REQUEST_N, 0, int32(1))]],
  ['the same stream twice', () => [anyFrame(1, REQUEST_RESPONSE, 0, events()), anyFrame(1, REQUEST_RESPONSE, 0, events())]],
  ['a request without data', () => [anyFrame(1, REQUEST_RESPONSE, 0)]],
  [
    'a channel that is cancelled at once',
    () => [anyFrame(1, REQUEST_CHANNEL, 0, Buffer.concat([int32(1), events()])), anyFrame(1, FrameTypes.CANCEL, 0)],
  ],
  [
    'a channel that errs',
    () => [anyFrame(1, REQUEST_CHANNEL, 0, Buffer.concat([int32(1), events()])), anyFrame(1, ERROR, 0, int32(0x201))],
  ],
  [
    'payloads on a channel after its end',
    () => [anyFrame(1, REQUEST_CHANNEL, Flags.COMPLETE, Buffer.concat([int32(1), events()])), anyFrame(1, PAYLOAD, Flags.NEXT, events())],
  ],
];

describe.each<Kind>(['tcp', 'ws'])('hostile input over %s', (kind) => {
  let collector: RunningCollector;
  const peers: RawPeer[] = [];
  const warnings = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.abort();
    // Whatever was sent: everyone else is served.
    const socket = await connect(collector, kind, { key: writeKey });
    expect(await requestResponse(socket, payloadOf(someEvents(1)))).toEqual({ accepted: 1, rejected: [] });
    socket.close();
    expect(warnings).not.toHaveBeenCalled();
  });
  afterAll(() => collector.stop());

  const open = async (): Promise<RawPeer> => {
    const peer = await (kind === 'tcp' ? rawTcp(collector.tcpPort) : rawWs(collector.wsPort));
    peers.push(peer);
    return peer;
  };
  const sendFrame = (peer: RawPeer, frame: Buffer): void => peer.send(kind === 'tcp' ? withLength(frame) : frame);
  const openSetUp = async (): Promise<RawPeer> => {
    const peer = await open();
    sendFrame(peer, setupFrame());
    sendFrame(peer, anyFrame(0, KEEPALIVE, RESPOND, int32(0, 0)));
    await until(() => peer.frames.some(({ type }) => type === KEEPALIVE));
    return peer;
  };
  const errorOf = (peer: RawPeer) => peer.frames.find((frame): frame is ErrorFrame => frame.type === ERROR && frame.streamId === 0);
  const expectRefused = async (peer: RawPeer, code: number | null): Promise<void> => {
    await peer.closed;
    if (code === null) return;
    expect(errorOf(peer)).toMatchObject({ code });
    expect(errorOf(peer)!.message).not.toBe('');
  };

  it.each(beforeSetup)('ends a connection that begins with %s', async (_what, frames, code) => {
    const peer = await open();
    for (const frame of frames()) sendFrame(peer, frame);
    await expectRefused(peer, code);
  });

  it.each(afterSetup)('ends a connection that goes on with %s', async (_what, frames, code) => {
    const peer = await openSetUp();
    for (const frame of frames()) sendFrame(peer, frame);
    await expectRefused(peer, code);
  });

  it.each(tolerated)('bears %s', async (_what, frames) => {
    const peer = await openSetUp();
    for (const frame of frames()) sendFrame(peer, frame);
    const seen = peer.frames.filter(({ type }) => type === KEEPALIVE).length;
    sendFrame(peer, anyFrame(0, KEEPALIVE, RESPOND, int32(0, 0)));
    await until(() => peer.frames.filter(({ type }) => type === KEEPALIVE).length > seen);
    expect(peer.isClosed()).toBe(false);
  });

  it('bears a reset before SETUP, and one right after it', async () => {
    (await open()).abort();
    const peer = await open();
    sendFrame(peer, setupFrame());
    sendFrame(peer, anyFrame(1, REQUEST_RESPONSE, 0, events()));
    peer.abort();
    await peer.closed;
  });

  it('takes what comes in one piece with SETUP, in its order', async () => {
    const peer = await open();
    const [first, second] = [events(), events()];
    const frames = [setupFrame(), anyFrame(1, REQUEST_RESPONSE, 0, first), anyFrame(3, REQUEST_RESPONSE, 0, second)];
    if (kind === 'tcp') peer.send(Buffer.concat(frames.map(withLength)));
    else for (const frame of frames) peer.send(frame);
    await until(() => peer.frames.filter(({ type }) => type === PAYLOAD).length === 2);
  });

  it('drops what comes after a SETUP that is rejected', async () => {
    const peer = await open();
    const event = someEvents(1);
    const frames = [
      setupFrame({ data: Buffer.from('{"writeKey":"wk_nobody"}') }),
      anyFrame(1, REQUEST_FNF, 0, Buffer.from(JSON.stringify(event))),
    ];
    for (const frame of frames) sendFrame(peer, frame);
    await expectRefused(peer, ErrorCodes.REJECTED_SETUP);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(collector.log.events.some(({ id }) => id === event[0]!.id)).toBe(false);
  });

  it('cuts off a peer that does not read its answers', async () => {
    const peer = await openSetUp();
    peer.pauseReading();
    const ping = anyFrame(0, KEEPALIVE, RESPOND, Buffer.concat([int32(0, 0), Buffer.alloc(4_000)]));
    for (let i = 0; i < 10_000 && !peer.isClosed(); i++) {
      sendFrame(peer, ping);
      if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const socket = await connect(collector, kind, { key: writeKey });
    await requestResponse(socket, payloadOf(someEvents(1)));
    socket.close();
    peer.abort();
    await peer.closed;
  });

  it('bears any frames in any order', async () => {
    const frame = fc.record({
      streamId: fc.oneof(fc.constantFrom(0, 1, 3, 2, -1), fc.integer()),
      type: fc.integer({ min: 0, max: 63 }),
      flags: fc.integer({ min: 0, max: 1_023 }),
      body: fc.uint8Array({ maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), fc.boolean(), async (frames, isSetUp) => {
        const peer = await (isSetUp ? openSetUp() : open());
        for (const { streamId, type, flags, body } of frames) {
          // ERROR says goodbye; what follows it would not be looked at.
          if (type !== ERROR && !peer.isClosed()) sendFrame(peer, anyFrame(streamId | 0, type, flags, Buffer.from(body)));
        }
        peer.end();
        await peer.closed;
      }),
      { numRuns: 60 },
    );
  });
});

describe('hostile bytes on the TCP port', () => {
  let collector: RunningCollector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.stop());

  it.each<[string, Buffer]>([
    ['a web browser', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['a TLS client', Buffer.from('16030100c8010000c40303', 'hex')],
    ['an SSH client', Buffer.from('SSH-2.0-OpenSSH_9.7\r\n')],
    ['a length of zero', Buffer.alloc(3)],
    ['a length of five', Buffer.from([0, 0, 5, 0, 0, 0, 0, 0])],
    ['the greatest length', Buffer.from([0xff, 0xff, 0xff])],
    ['one byte more than a frame may have', Buffer.from([0x10, 0x00, 0x01])],
  ])('from %s end the connection', async (_what, bytes) => {
    const peer = await rawTcp(collector.tcpPort);
    peer.send(bytes);
    await peer.closed;
    expect(peer.frames[0]).toMatchObject({ type: ERROR, streamId: 0 });
  });

  it('in any number end the connection or wait for more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 5 }), async (chunks) => {
        const peer = await rawTcp(collector.tcpPort);
        for (const chunk of chunks) peer.send(Buffer.from(chunk));
        peer.end();
        await peer.closed;
      }),
      { numRuns: 100 },
    );
    const socket = await connect(collector, 'tcp', { key: writeKey });
    expect(await requestResponse(socket, payloadOf(someEvents(1)))).toMatchObject({ accepted: 1 });
    socket.close();
  });

  it('that are a lawful SETUP and request, one byte at a time, are taken', async () => {
    const peer = await rawTcp(collector.tcpPort);
    for (const byte of Buffer.concat([setupFrame(), anyFrame(1, REQUEST_RESPONSE, 0, events())].map(withLength))) {
      peer.send(Buffer.from([byte]));
      if (byte % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => peer.frames.some(({ type }) => type === PAYLOAD));
    peer.end();
  });

  it('up to the largest frame are read', async () => {
    const peer = await rawTcp(collector.tcpPort);
    peer.send(withLength(setupFrame()));
    const padding = Buffer.alloc(frameBytesMax - 6 - 2, 32);
    peer.send(withLength(anyFrame(1, REQUEST_RESPONSE, 0, Buffer.concat([Buffer.from('['), padding, Buffer.from(']')]))));
    // As a batch it is too large, and that is said of the request alone.
    await until(() => peer.frames.some(({ type, streamId }) => type === ERROR && streamId === 1));
    peer.end();
  });
});

describe('hostile bytes on the WebSocket port', () => {
  let collector: RunningCollector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.stop());

  it('answer a web page with what is spoken here', async () => {
    const response = await fetch(`http://127.0.0.1:${collector.wsPort}/`);
    expect(response.status).toBe(426);
    await response.text();
  });

  it.each<[string, string]>([
    ['no HTTP', 'hello\r\n\r\n'],
    ['half an upgrade', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    [
      'an upgrade to something else',
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Version: 13\r\n\r\n',
    ],
  ])('with %s end the connection', async (_what, text) => {
    const socket = connectTcp(collector.wsPort, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(text);
    setTimeout(() => socket.end(), 100);
    await closed;
  });

  it('as text end the connection', async () => {
    const peer = await rawWs(collector.wsPort);
    peer.socket.send('hello');
    await peer.closed;
    expect(peer.frames[0]).toMatchObject({ type: ERROR, message: expect.stringContaining('binary') });
  });

  it('in a message that is too large end the connection', async () => {
    const peer = await rawWs(collector.wsPort);
    peer.send(setupFrame());
    peer.send(Buffer.alloc(frameBytesMax + 1));
    await peer.closed;
  });

  it('in broken WebSocket frames end the connection', async () => {
    const peer = await rawWs(collector.wsPort);
    // Reserved bits set, not masked.
    (peer.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from([0xff, 0x05, 1, 2, 3, 4, 5]));
    await peer.closed;
  });
});
