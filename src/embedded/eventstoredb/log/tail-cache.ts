/** The bodies of the newest records by log position, so that live subscribers cause no disk reads. Bounded in bytes. */
export class TailCache {
  private readonly bodies = new Map<number, Buffer>();
  private bytes = 0;

  constructor(private readonly bytesMax: number) {}

  add(position: number, body: Buffer): void {
    this.bodies.set(position, body);
    this.bytes += body.length + entryBytes;
    if (this.bytes <= this.bytesMax) return;
    for (const [oldest, dropped] of this.bodies) {
      this.bodies.delete(oldest);
      this.bytes -= dropped.length + entryBytes;
      if (this.bytes <= this.bytesMax) return;
    }
  }

  get(position: number): Buffer | undefined {
    return this.bodies.get(position);
  }
}

/** What an entry costs beside its bytes: map slot and buffer object. */
const entryBytes = 200;
