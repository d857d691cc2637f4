import { Counter, Gauge } from 'prom-client';

/** Every series of the RSocket ports, on the default registry. */
export const metrics = {
  connections: new Gauge({ name: 'recount_rsocket_connections', help: 'Open RSocket connections', labelNames: ['transport'] }),
  refusedConnections: new Counter({
    name: 'recount_rsocket_refused_connections_total',
    help: 'RSocket connections ended for breaking the protocol or for a wrong key',
    labelNames: ['transport'],
  }),
};
