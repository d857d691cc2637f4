/** The ports a process really listens on, for the `ready` line: 0 in the configuration picks a free one. */
export class ListeningPorts {
  private readonly ports = new Map<PortName, number>();

  set(name: PortName, port: number): void {
    this.ports.set(name, port);
  }

  /** `http=8080 rsocket-tcp=7878 rsocket-ws=7879`, only what this process listens on, always in this order. */
  describe(): string {
    return portNames
      .filter((name) => this.ports.has(name))
      .map((name) => `${name}=${this.ports.get(name)}`)
      .join(' ');
  }
}

const portNames = ['http', 'rsocket-tcp', 'rsocket-ws'] as const;
export type PortName = (typeof portNames)[number];
