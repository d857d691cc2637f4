import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of a store, to do to its connections what networks and dying machines do. */
export class UnreliableLink {
  private readonly sockets = new Set<Socket>();
  private frozen = false;
  private down = false;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {}

  static async to(targetPort: number): Promise<UnreliableLink> {
    const server = createServer((inward) => link.carry(inward));
    const link = new UnreliableLink(server, targetPort);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.sockets.size / 2;
  }

  /** Breaks every connection; new ones work. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Breaks every connection and accepts no other. */
  takeDown(): void {
    this.down = true;
    this.cut();
  }

  bringUp(): void {
    this.down = false;
  }

  /** Connections stay open, and are accepted, but nothing passes: what a stopped process looks like. */
  freeze(): void {
    this.frozen = true;
    for (const socket of this.sockets) socket.pause();
  }

  thaw(): void {
    this.frozen = false;
    for (const socket of this.sockets) socket.resume();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.cut();
    await closed;
  }

  private carry(inward: Socket): void {
    if (this.down) {
      inward.destroy();
      return;
    }
    const outward = connect(this.targetPort, '127.0.0.1');
    this.join(inward, outward);
    this.join(outward, inward);
    if (this.frozen) for (const socket of [inward, outward]) socket.pause();
  }

  private join(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (chunk) => to.write(chunk));
    // A broken socket is what this is for; the other end only has to learn of it.
    from.on('error', () => from.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
  }
}
