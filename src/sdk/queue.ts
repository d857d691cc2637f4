/** An event as it will go over the wire: serialised once, however often it is sent. */
export interface QueuedEvent {
  /** Counts up by one an event; orders everything this client ever tracked. */
  readonly sequence: number;
  readonly id: string;
  readonly json: string;
  readonly bytes: number;
}

/** First in, first out, bounded in events and bytes. */
export class EventQueue {
  private events: QueuedEvent[] = [];
  private head = 0;
  private queuedBytes = 0;

  constructor(
    private readonly eventsMax: number,
    private readonly bytesMax: number,
  ) {}

  get length(): number {
    return this.events.length - this.head;
  }
  get bytes(): number {
    return this.queuedBytes;
  }
  get first(): QueuedEvent | undefined {
    return this.events[this.head];
  }
  /** Below half of both bounds: a producer that waited may go on. */
  get hasRoom(): boolean {
    return this.length * 2 <= this.eventsMax && this.queuedBytes * 2 <= this.bytesMax;
  }

  /** False: full, and nothing was added. */
  add(event: QueuedEvent): boolean {
    if (this.length >= this.eventsMax || this.queuedBytes + event.bytes > this.bytesMax) return false;
    this.events.push(event);
    this.queuedBytes += event.bytes;
    return true;
  }

  /** At least one event when there is one, then as many as fit. */
  take(eventsMax: number, bytesMax: number): QueuedEvent[] {
    let bytes = 0;
    let end = this.head;
    while (end < this.events.length && end - this.head < eventsMax) {
      const size = this.events[end]!.bytes;
      if (end > this.head && bytes + size > bytesMax) break;
      bytes += size;
      end++;
    }
    const taken = this.events.slice(this.head, end);
    this.head = end;
    this.queuedBytes -= bytes;
    // Moving the rest down only when half of the array is spent keeps the cost of an event constant.
    if (this.head * 2 >= this.events.length) {
      this.events = this.events.slice(this.head);
      this.head = 0;
    }
    return taken;
  }
}
