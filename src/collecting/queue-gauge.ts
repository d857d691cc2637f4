/** Bounds of what may wait in memory for the store, in bytes. */
export interface QueueBounds {
  /** From here on sockets are not read and HTTP answers 503. */
  readonly highWaterBytes: number;
  /** From here on they are again. */
  readonly lowWaterBytes: number;
  /** Beyond this nothing is taken at all. */
  readonly queueBytesMax: number;
}

const queueBounds: QueueBounds = { highWaterBytes: 48 << 20, lowWaterBytes: 24 << 20, queueBytesMax: 64 << 20 };

/** Told when the queue passes its high-water mark (true) and falls below its low-water mark (false). */
export type PressureListener = (high: boolean) => void;

/**
 * Counts the bytes this process holds between the wire and the store: requests as they came until their block is sealed, blocks
 * until they are appended. Whoever fills the queue asks it, or listens to it.
 */
export class QueueGauge {
  private bytes = 0;
  private high = false;
  private highSince = 0;
  private highEndedAt = 0;
  private lastHighForMs = 0;
  private readonly listeners = new Set<PressureListener>();

  constructor(
    private readonly bounds: QueueBounds = queueBounds,
    private readonly now: () => number = () => Date.now(),
  ) {}

  get queuedBytes(): number {
    return this.bytes;
  }

  /** Above the high-water mark, or not yet below the low-water mark again. */
  get isHigh(): boolean {
    return this.high;
  }

  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= this.bounds.queueBytesMax;
  }

  add(bytes: number): void {
    this.bytes += bytes;
    if (!this.high && this.bytes >= this.bounds.highWaterBytes) {
      this.highSince = this.now();
      this.setHigh(true);
    }
  }

  remove(bytes: number): void {
    this.bytes -= bytes;
    if (this.high && this.bytes <= this.bounds.lowWaterBytes) {
      this.highEndedAt = this.now();
      this.lastHighForMs = this.highEndedAt - this.highSince;
      this.setHigh(false);
    }
  }

  onPressure(listener: PressureListener): void {
    this.listeners.add(listener);
  }

  /**
   * How long a request that is read now may have waited in an unread socket, ms: as long as the last pause, until what had
   * piled up is surely read. Without it the wait would be taken for a wrong clock at the sender.
   */
  unreadForMs(at: number): number {
    if (this.high) return at - this.highSince + this.lastHighForMs;
    return at - this.highEndedAt < CATCH_UP_MS + this.lastHighForMs ? this.lastHighForMs + CATCH_UP_MS : 0;
  }

  private setHigh(high: boolean): void {
    this.high = high;
    for (const listener of this.listeners) listener(high);
  }
}

const CATCH_UP_MS = 30_000;
