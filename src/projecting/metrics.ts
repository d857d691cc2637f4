import { Counter, Gauge, Histogram } from 'prom-client';

interface RebuildGauge {
  readonly rebuildId: string;
  readonly projection: string;
  readonly eventsRead: number;
  readonly eventsTotal: number;
  readonly eventsPerSecond: number;
  readonly secondsRemaining: number | null;
}

/** What a gauge is read from when it is scraped. */
export interface ProjectingGauges {
  lags(): { partition: number; generation: string; seconds: number }[];
  /** Only where the coordinator runs. */
  rebuilds(): readonly RebuildGauge[];
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
const ofRebuilds = { labelNames: ['rebuild', 'projection'] as const };
new Gauge({
  name: 'recount_rebuild_progress',
  help: 'Part of the log a rebuild has read, 0 to 1',
  ...ofRebuilds,
  collect() {
    this.reset();
    for (const { rebuildId, projection, eventsRead, eventsTotal } of gauges.rebuilds()) {
      this.set({ rebuild: rebuildId, projection }, eventsTotal === 0 ? 1 : eventsRead / eventsTotal);
    }
  },
});
new Gauge({
  name: 'recount_rebuild_events_per_second',
  help: 'Events a rebuild reads, averaged since it was asked for',
  ...ofRebuilds,
  collect() {
    this.reset();
    for (const { rebuildId, projection, eventsPerSecond } of gauges.rebuilds())
      this.set({ rebuild: rebuildId, projection }, eventsPerSecond);
  },
});
new Gauge({
  name: 'recount_rebuild_seconds_remaining',
  help: 'Until a rebuild has caught up at this rate; absent while no rate is known',
  ...ofRebuilds,
  collect() {
    this.reset();
    for (const { rebuildId, projection, secondsRemaining } of gauges.rebuilds()) {
      if (secondsRemaining !== null) this.set({ rebuild: rebuildId, projection }, secondsRemaining);
    }
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
