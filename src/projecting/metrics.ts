import { Counter, Gauge, Histogram } from 'prom-client';

/** What a gauge is read from when it is scraped. */
export interface ProjectingGauges {
  lags(): { partition: number; generation: string; seconds: number }[];
  /** Only where the coordinator runs. */
  rebuilds(): { rebuildId: string; projection: string; fraction: number }[];
}

let gauges: ProjectingGauges = { lags: () => [], rebuilds: () => [] };
export function observeProjecting(read: ProjectingGauges): void {
  gauges = read;
}

export interface ProjectingMetrics {
  folded(events: number, duplicates: number): void;
  flushed(documents: number, seconds: number): void;
}

const foldedEvents = new Counter({
  name: 'recount_folded_events_total',
  help: 'Events read from the log to be counted, duplicates included',
});
const duplicateEvents = new Counter({ name: 'recount_duplicate_events_total', help: 'Events left out because their id was known' });
const writtenDocuments = new Counter({ name: 'recount_documents_written_total', help: 'Documents of read models written' });
const flushSeconds = new Histogram({
  name: 'recount_flush_seconds',
  help: 'One flush, from intent to checkpoint',
  buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60],
});
new Gauge({
  name: 'recount_projecting_lag_seconds',
  help: 'Age of what is appended and not yet visible, by partition and generation',
  labelNames: ['partition', 'generation'],
  collect() {
    this.reset();
    for (const { partition, generation, seconds } of gauges.lags()) this.set({ partition, generation }, seconds);
  },
});
new Gauge({
  name: 'recount_rebuild_progress',
  help: 'Part of the log a rebuild has read, 0 to 1',
  labelNames: ['rebuild', 'projection'],
  collect() {
    this.reset();
    for (const { rebuildId, projection, fraction } of gauges.rebuilds()) this.set({ rebuild: rebuildId, projection }, fraction);
  },
});

/** On the default registry, as every role's. */
export const projectingMetrics: ProjectingMetrics = {
  folded(read, duplicates) {
    foldedEvents.inc(read);
    if (duplicates > 0) duplicateEvents.inc(duplicates);
  },
  flushed(written, seconds) {
    writtenDocuments.inc(written);
    flushSeconds.observe(seconds);
  },
};
