import { Counter, Gauge, Histogram } from 'prom-client';

let readQueueBytes = (): number => 0;
/** Where recount_queue_bytes is read from when it is scraped. */
export function observeQueue(read: () => number): void {
  readQueueBytes = read;
}

/** Every series of the collecting role, on the default registry. */
export const metrics = {
  acceptedEvents: new Counter({ name: 'recount_collected_events_total', help: 'Events accepted for the log' }),
  rejectedEvents: new Counter({
    name: 'recount_rejected_events_total',
    help: 'Events refused and kept in the rejects streams, by reason',
    labelNames: ['reason'],
  }),
  malformedRequests: new Counter({
    name: 'recount_malformed_requests_total',
    help: 'Collect requests refused as a whole, by kind',
    labelNames: ['kind'],
  }),
  droppedEvents: new Counter({
    name: 'recount_dropped_events_total',
    help: 'Events that were not kept and whose sender was told so where it waited: overloaded, append-refused, shutdown',
    labelNames: ['cause'],
  }),
  appendedRecords: new Counter({
    name: 'recount_appended_records_total',
    help: 'Records appended, by kind of stream',
    labelNames: ['stream'],
  }),
  appendedEvents: new Counter({
    name: 'recount_appended_events_total',
    help: 'Events durable in the log, by kind of stream',
    labelNames: ['stream'],
  }),
  appendedBytes: new Counter({
    name: 'recount_appended_bytes_total',
    help: 'Bytes of appended records, by kind of stream',
    labelNames: ['stream'],
  }),
  appendRetries: new Counter({ name: 'recount_append_retries_total', help: 'Appends made again because the store did not answer' }),
  appendSeconds: new Histogram({
    name: 'recount_append_seconds',
    help: 'From the first attempt of an append to its success',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
  }),
  queueBytes: new Gauge({
    name: 'recount_queue_bytes',
    help: 'Bytes waiting in memory for the store',
    collect() {
      this.set(readQueueBytes());
    },
  }),
};
