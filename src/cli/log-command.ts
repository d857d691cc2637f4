import { Command } from 'commander';
import { once } from 'node:events';
import { readMerchantEvent } from '../domain/merchant-events';
import { eventsStream, merchantStream, rejectsStream } from '../domain/partition';
import { partitionsOf } from '../domain/spreading';
import { decodeBlockRows, EVENT_BLOCK } from '../stores/block';
import { StoreUnavailable, type EventStore, type RecordedEvent } from '../stores/event-store';
import { EventStoreDb } from '../stores/eventstoredb';
import { fixedPartitions } from '../stores/installation';
import { withoutCredentials } from '../stores/within';
import { readConfiguration } from '../read-configuration';
import { CommandFailed } from './command-failed';
import { variable } from './variables';
import { wholeNumber } from './whole-number';

interface LogFlags {
  partition?: number;
  merchant?: string;
  from?: bigint;
  limit?: number;
  follow?: boolean;
  rejects?: boolean;
  eventstoreUrl: string;
}

const answerWithinMs = 10_000;
const resumeAfterMs = 1_000;

/** `recount log`: the log as readable lines. */
export function logCommand(): Command {
  return new Command('log')
    .description('print the log, one JSON line an event')
    .option('--partition <n>', 'one partition only', wholeNumber('--partition'))
    .option('--merchant <id>', 'one merchant only; finds its partitions by itself')
    .option('--from <revision>', 'from this record of the partition on', (text) => BigInt(wholeNumber('--from')(text)))
    .option('--limit <n>', 'stop after so many events', wholeNumber('--limit'))
    .option('--follow', 'stay and print what arrives; without --from only that')
    .option('--rejects', 'print the refused events instead, each with its reason')
    .option('--eventstore-url <url>', 'where the log is', defaultUrl())
    .addHelpText(
      'after',
      `
Each line is an event as it was accepted, with the stream, the record (revision) and the row it was read from.

Examples:
  $ recount log --limit 3
  $ recount log --merchant demo --follow | jq .name
  $ recount log --partition 7 --from 1200 --limit 100
  $ recount log --rejects`,
    )
    .action(async (options: LogFlags) => {
      const store = open(options.eventstoreUrl);
      try {
        await store.ping(answerWithinMs);
        await print(store, options);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        throw new CommandFailed(
          `The log does not answer at ${withoutCredentials(options.eventstoreUrl)}. Is Recount running (npm start)? Another address: --eventstore-url.`,
        );
      } finally {
        await store.close();
      }
    });
}

function open(url: string): EventStoreDb {
  try {
    return new EventStoreDb(url);
  } catch {
    throw new CommandFailed(
      `--eventstore-url is ${JSON.stringify(withoutCredentials(url))}, allowed: a connection string such as esdb://127.0.0.1:12113?tls=false`,
    );
  }
}

function defaultUrl(): string {
  const url = variable('EVENTSTORE_URL');
  return url !== undefined && url !== 'embedded' ? url : `esdb://127.0.0.1:${variable('EMBEDDED_EVENTSTORE_PORT') ?? 12113}?tls=false`;
}

async function print(store: EventStore, options: LogFlags): Promise<void> {
  const partitions = (await fixedPartitions(store)) ?? readConfiguration(process.env).partitions;
  const reach = options.merchant === undefined ? 1 : await reachIn(store, options.merchant);
  const streams = streamsOf(options, partitions, reach);
  const printer = new Printer(options.merchant, options.limit ?? Infinity);
  if (options.follow) {
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    await Promise.race([Promise.all(streams.map((stream) => follow(store, stream, options.from, printer, stop.signal))), printer.full]);
    stop.abort();
    return;
  }
  for (const stream of streams) {
    for await (const record of store.read(stream, { from: options.from ?? 'start' })) {
      await printer.print(record);
      if (printer.isFull) return;
    }
  }
}

function streamsOf({ partition, merchant, rejects }: LogFlags, partitions: number, reach: number): string[] {
  if (partition !== undefined && partition >= partitions) {
    throw new CommandFailed(`--partition is ${partition}, allowed: 0 to ${partitions - 1}`);
  }
  const nameOf = rejects ? rejectsStream : eventsStream;
  if (partition !== undefined) return [nameOf(partition)];
  if (merchant === undefined) return Array.from({ length: partitions }, (_, p) => nameOf(p));
  // What was refused stays at home.
  return partitionsOf(merchant, rejects ? 1 : reach, partitions).map(nameOf);
}

/** Over how many partitions a merchant was ever spread. */
async function reachIn(store: EventStore, merchantId: string): Promise<number> {
  let reach = 1;
  for await (const { type, data } of store.read(merchantStream(merchantId))) {
    const event = readMerchantEvent(type, Buffer.from(data).toString('utf8'));
    if (event.type === 'spread-changed.v1') reach = Math.max(reach, event.data.spread);
  }
  return reach;
}

async function follow(store: EventStore, stream: string, from: bigint | undefined, printer: Printer, signal: AbortSignal): Promise<void> {
  // Only what arrives from now on, unless a record to begin with is named.
  let after = from === undefined ? (await store.last(stream))?.revision : from > 0n ? from - 1n : undefined;
  while (!signal.aborted) {
    try {
      for await (const item of store.subscribe(stream, { after, signal })) {
        if (item.kind === 'caught-up') continue;
        await printer.print(item);
        after = item.revision;
        if (printer.isFull) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof StoreUnavailable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, resumeAfterMs));
    }
  }
}

/** Writes at the pace of whoever reads stdout, and no more than asked for. */
class Printer {
  private left: number;
  private readonly whenFull = new AbortController();
  readonly full: Promise<unknown>;

  constructor(
    private readonly merchant: string | undefined,
    limit: number,
  ) {
    this.left = limit;
    this.full = once(this.whenFull.signal, 'abort');
  }

  get isFull(): boolean {
    return this.left <= 0;
  }

  async print(record: RecordedEvent): Promise<void> {
    let text = '';
    for (const [row, event] of eventsOf(record).entries()) {
      if (this.isFull) break;
      if (this.merchant !== undefined && (event as { merchantId?: string }).merchantId !== this.merchant) continue;
      const place = { stream: record.stream, revision: Number(record.revision), row, recordedAt: new Date(record.createdAt).toISOString() };
      text += `${JSON.stringify({ ...place, ...event })}\n`;
      this.left--;
    }
    if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
    if (this.isFull) this.whenFull.abort();
  }
}

function eventsOf(record: RecordedEvent): object[] {
  if (record.type === EVENT_BLOCK) return decodeBlockRows(record.data).map(readable);
  const data = JSON.parse(Buffer.from(record.data).toString('utf8')) as object | object[];
  return Array.isArray(data) ? data : [data];
}

/** Times as people read them. */
function readable(event: object): object {
  const { time, receivedAt } = event as { time: number; receivedAt: number };
  return { ...event, time: new Date(time).toISOString(), receivedAt: new Date(receivedAt).toISOString() };
}
