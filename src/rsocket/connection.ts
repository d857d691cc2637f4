import {
  Deferred,
  type Demultiplexer,
  deserializeFrame,
  type DuplexConnection,
  ErrorCodes,
  Flags,
  type Frame,
  type FrameHandler,
  FrameTypes,
  type Multiplexer,
  type Outbound,
  type ServerTransport,
  type SetupFrame,
} from 'rsocket-core';
import { keepAlive } from '../protocol/rsocket';
import { checkFrame, ProtocolViolation } from './frame-check';
import type { FrameSource } from './frame-reader';

export type ConnectionAcceptor = Parameters<ServerTransport['bind']>[0];
export type EngineFactory = Parameters<ServerTransport['bind']>[1];
type Engine = Multiplexer & Demultiplexer & FrameHandler;

/** A socket, as a connection needs it. */
export interface Wire {
  /** Of the visitor, where the connection is a browser's own. */
  readonly visitorAddress: string | undefined;
  /** The Origin header of a browser. */
  readonly origin: string | undefined;
  /** Bytes given to the socket that the peer has not taken. */
  readonly queuedBytes: number;
  send(frame: Frame): void;
  pause(): void;
  resume(): void;
  /** Closes once everything sent is on its way, and drops what still arrives. */
  end(reason: Error | undefined): void;
  destroy(): void;
}

export interface ConnectionBounds {
  readonly setupWithinMs: number;
  /** From the first byte of a frame to its last. */
  readonly frameWithinMs: number;
  /** A peer that lets more than this pile up unread is cut off. */
  readonly unreadBytesMax: number;
  /** How often a peer that is seen to be alive is reported alive. */
  readonly vouchEveryMs: number;
  /** A peer that asks for a shorter lifetime gets this one, so that it can be vouched for in time. */
  readonly lifetimeMinMs: number;
}

const connectionBounds: ConnectionBounds = {
  setupWithinMs: 5_000,
  frameWithinMs: 10_000,
  unreadBytesMax: 4 << 20,
  vouchEveryMs: 2_000,
  lifetimeMinMs: 10_000,
};

const LEAST_KEEPALIVE_MS = 1_000;

/**
 * The guard between a socket and rsocket-core: one SETUP first and in time, whole and well-formed frames only, lifetimes bounded by
 * the server, a slow reader cut off. Whatever arrives, the worst outcome is the end of this connection, with an ERROR frame that
 * says why.
 */
export class Connection extends Deferred implements DuplexConnection, Outbound {
  private engine: Engine | undefined;
  private state: 'awaiting-setup' | 'accepting' | 'open' = 'awaiting-setup';
  private isHeld = false;
  private mayBeHeld = true;
  private isWaiting = false;
  private awaited: () => Promise<unknown> | undefined = () => undefined;
  private midFrameSince: number | undefined;
  private hasReceived = false;
  private readonly openedAt = performance.now();
  private vouchedAt = this.openedAt;

  constructor(
    private readonly wire: Wire,
    private readonly source: FrameSource,
    private readonly accept: ConnectionAcceptor,
    private readonly createEngine: EngineFactory,
    private readonly bounds: ConnectionBounds = connectionBounds,
  ) {
    super();
  }

  get multiplexerDemultiplexer(): Multiplexer & Demultiplexer {
    return this.engine!;
  }

  get availability(): number {
    return this.done ? 0 : 1;
  }

  get visitorAddress(): string | undefined {
    return this.wire.visitorAddress;
  }

  get origin(): string | undefined {
    return this.wire.origin;
  }

  /** Takes the frames that have arrived, as far as they are wanted now. */
  readonly pump = (): void => {
    if (this.state !== 'open' || !this.isReading || !this.mustWait()) this.take();
  };

  /** @param awaited asked before frames are taken: what they wait for, unread; undefined: nothing */
  waitFor(awaited: () => Promise<unknown> | undefined): void {
    this.awaited = awaited;
  }

  private mustWait(): boolean {
    const awaited = this.awaited();
    if (awaited === undefined) return false;
    this.isWaiting = true;
    this.midFrameSince = undefined;
    this.wire.pause();
    void awaited.finally(() => {
      this.isWaiting = false;
      if (!this.isReading) return;
      this.wire.resume();
      // Whatever came of it: what has waited once goes on.
      this.take();
    });
    return true;
  }

  private take(): void {
    try {
      while (this.isReading) {
        const frame = this.source.next();
        if (!frame) break;
        this.midFrameSince = undefined;
        this.hasReceived = true;
        this.receive(frame);
      }
      if (!this.done && this.isReading && this.source.isMidFrame) this.midFrameSince ??= performance.now();
    } catch (error) {
      this.violated(error as Error);
    }
  }

  /** Stops reading, or reads again: for as long as the log is slow. Keep-alives are vouched for meanwhile. */
  hold(isHeld: boolean): void {
    this.isHeld = isHeld && this.mayBeHeld;
    this.midFrameSince = undefined;
    this.adjustReading();
  }

  /** Its peer sends nothing that the log has to take. */
  neverHold(): void {
    this.mayBeHeld = false;
    this.isHeld = false;
  }

  send(frame: Frame): void {
    if (this.done) return;
    this.wire.send(frame);
    this.cutOffWhenSlow();
  }

  /** Ends the connection and tells the peer why. */
  fail(code: ErrorCodes, message: string): void {
    if (this.done) return;
    this.send({ type: FrameTypes.ERROR, streamId: 0, flags: Flags.NONE, code, message });
    this.close(new ProtocolViolation(message, code));
  }

  /** Says on stream 0 that this server goes away; the peer may send what it has begun. Not before SETUP was accepted. */
  announceClose(): void {
    const frame = { type: FrameTypes.ERROR, streamId: 0, flags: Flags.NONE, code: ErrorCodes.CONNECTION_CLOSE } as const;
    if (this.state === 'open') this.send({ ...frame, message: 'this server is shutting down; connect again' });
    else this.fail(ErrorCodes.REJECTED_SETUP, 'this server is shutting down; connect again');
  }

  override close(error?: Error): void {
    if (this.done) return;
    this.source.clear();
    super.close(error);
    this.wire.end(error);
  }

  /** The socket is gone. */
  wireClosed(error?: Error): void {
    if (this.done) return;
    this.source.clear();
    super.close(error ?? new Error('the peer closed the connection'));
  }

  destroy(): void {
    this.wireClosed(new Error('cut off'));
    this.wire.destroy();
  }

  /** Called about once a second: what has to happen in time is looked at here, not by a timer for each connection. */
  sweep(now: number): void {
    if (this.done) return;
    const { setupWithinMs, frameWithinMs, vouchEveryMs } = this.bounds;
    if (this.state !== 'open' && now - this.openedAt > setupWithinMs) {
      return this.fail(ErrorCodes.INVALID_SETUP, `no SETUP was accepted within ${setupWithinMs / 1_000} s`);
    }
    if (this.midFrameSince !== undefined && now - this.midFrameSince > frameWithinMs) {
      return this.fail(ErrorCodes.CONNECTION_ERROR, `a frame did not arrive within ${frameWithinMs / 1_000} s`);
    }
    this.cutOffWhenSlow();
    if (this.state === 'open' && now - this.vouchedAt >= vouchEveryMs) this.vouch(now);
  }

  private get isReading(): boolean {
    // SETUP is read even while the log is slow: a client that connects then is not one that failed to introduce itself.
    return !this.done && (this.state === 'awaiting-setup' || (this.state === 'open' && !this.isHeld && !this.isWaiting));
  }

  private adjustReading(): void {
    if (this.done) return;
    if (!this.isReading) return this.wire.pause();
    this.wire.resume();
    this.pump();
  }

  private receive(frame: Buffer): void {
    const type = checkFrame(frame);
    if (this.state === 'awaiting-setup') {
      if (type !== FrameTypes.SETUP) throw new ProtocolViolation('the first frame must be SETUP', ErrorCodes.INVALID_SETUP);
      return this.setUp(frame);
    }
    if (type === undefined) return;
    if (type === FrameTypes.SETUP) throw new ProtocolViolation('a connection has one SETUP');
    this.engine!.handle(deserializeFrame(frame));
  }

  private setUp(bytes: Buffer): void {
    const frame = readSetup(bytes, this.bounds.lifetimeMinMs);
    this.engine = this.createEngine(frame, this) as Engine;
    this.state = 'accepting';
    this.wire.pause();
    this.accept(frame, this).then(
      () => {
        if (this.done) return;
        this.state = 'open';
        this.vouchedAt = performance.now();
        this.adjustReading();
      },
      (error: unknown) => this.violated(error as Error),
    );
  }

  private violated(error: Error): void {
    if (error instanceof ProtocolViolation) this.fail(error.code, error.message);
    else this.fail(this.state === 'awaiting-setup' ? ErrorCodes.INVALID_SETUP : ErrorCodes.CONNECTION_ERROR, 'a frame could not be read');
  }

  /**
   * rsocket-core takes only KEEPALIVE frames for signs of life, on both ends. A peer that sent anything is alive; one that is not
   * being read may well be, and must in turn not give this server up.
   */
  private vouch(now: number): void {
    this.vouchedAt = now;
    const alive = { type: FrameTypes.KEEPALIVE, streamId: 0, flags: Flags.NONE, data: null, lastReceivedPosition: 0 } as const;
    if (this.hasReceived || this.isHeld) this.engine!.handle(alive);
    if (this.isHeld) this.send(alive);
    this.hasReceived = false;
  }

  private cutOffWhenSlow(): void {
    if (!this.done && this.wire.queuedBytes > this.bounds.unreadBytesMax) this.destroy();
  }
}

/** @throws ProtocolViolation for a SETUP this server does not offer */
function readSetup(bytes: Buffer, lifetimeMinMs: number): SetupFrame {
  let frame: SetupFrame;
  try {
    frame = deserializeFrame(bytes) as SetupFrame;
  } catch {
    throw new ProtocolViolation('SETUP could not be read', ErrorCodes.INVALID_SETUP);
  }
  if (frame.majorVersion !== 1) {
    throw new ProtocolViolation(
      `RSocket 1.0 is spoken here, not ${frame.majorVersion}.${frame.minorVersion}`,
      ErrorCodes.UNSUPPORTED_SETUP,
    );
  }
  if ((frame.flags & Flags.RESUME_ENABLE) !== 0) throw new ProtocolViolation('resumption is not offered', ErrorCodes.UNSUPPORTED_SETUP);
  if ((frame.flags & Flags.LEASE) !== 0) throw new ProtocolViolation('leases are not offered', ErrorCodes.UNSUPPORTED_SETUP);
  if (frame.keepAlive <= 0 || frame.lifetime <= 0) {
    throw new ProtocolViolation('keepalive and lifetime must be positive', ErrorCodes.INVALID_SETUP);
  }
  frame.keepAlive = Math.max(LEAST_KEEPALIVE_MS, frame.keepAlive);
  frame.lifetime = Math.min(keepAlive.lifetimeMaxMs, Math.max(lifetimeMinMs, frame.lifetime));
  return frame;
}
