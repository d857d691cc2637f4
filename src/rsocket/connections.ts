import { Deferred, type Closeable } from 'rsocket-core';
import { metrics } from './metrics';
import type { Connection } from './connection';
import { ProtocolViolation } from './frame-check';

const SWEEP_EVERY_MS = 1_000;

/** The open connections of one server: held, swept and closed together. */
export class Connections {
  private readonly open = new Set<Connection>();
  private readonly sweeper: NodeJS.Timeout;
  private isHeld = false;

  constructor(private readonly transport: 'tcp' | 'ws') {
    this.sweeper = setInterval(() => {
      const now = performance.now();
      for (const connection of this.open) connection.sweep(now);
    }, SWEEP_EVERY_MS);
    this.sweeper.unref();
  }

  get count(): number {
    return this.open.size;
  }

  add(connection: Connection): void {
    this.open.add(connection);
    metrics.connections.inc({ transport: this.transport });
    if (this.isHeld) connection.hold(true);
    connection.onClose((error) => {
      this.open.delete(connection);
      metrics.connections.dec({ transport: this.transport });
      if (error instanceof ProtocolViolation) metrics.refusedConnections.inc({ transport: this.transport });
    });
  }

  hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    for (const connection of this.open) connection.hold(isHeld);
  }

  announceClose(): void {
    for (const connection of this.open) connection.announceClose();
  }

  /** Resolves when the last one has closed, or after `withinMs`. */
  async closed(withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    while (this.open.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  destroyAll(): void {
    clearInterval(this.sweeper);
    for (const connection of this.open) connection.destroy();
  }
}

/** What rsocket-core gets from `bind`: closing it stops listening, and nothing else. */
export class Listening extends Deferred implements Closeable {
  constructor(private readonly stopListening: () => void) {
    super();
  }

  override close(error?: Error): void {
    if (this.done) return;
    this.stopListening();
    super.close(error);
  }
}
