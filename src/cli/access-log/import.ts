import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { RejectedEvent } from '../../protocol/event';
import { createRecount, RecountRefused, type RecountClient } from '../../sdk';
import { oneLine } from '../../start-failure';
import type { Api } from '../api';
import { CommandFailed } from '../command-failed';
import { untilCounted } from '../counted';
import { merchantFor, merchantPath, writeKeyFor, type Merchant } from '../merchants';
import { progress } from '../progress';
import { grouped } from '../table';
import { eventOf } from './event';
import { parseLogLine } from './line';
import { linesOf } from './lines';

export interface ImportOptions {
  file: string;
  merchant: string;
  create?: boolean;
  timezone: string;
  rsocket: string;
  site: string;
  /** Epoch ms. */
  since: number | undefined;
  again?: boolean;
}

const examplesMax = 5;
/** Recount knows an event id for at least an hour of its log; half of it leaves time for the import itself. */
const sameIdsForMs = 30 * 60_000;
const countedWithinMs = 600_000;

interface Tally {
  lines: number;
  pageViews: number;
  requests: number;
  skipped: number;
  malformed: string[];
  malformedCount: number;
  rejected: RejectedEvent[];
  rejectedCount: number;
  first: number;
  last: number;
}

/** Sends each line of the log once, waits until it is counted, and says what became of it. */
export async function importAccessLog(api: Api, options: ImportOptions): Promise<void> {
  const size = sizeOf(options.file);
  const merchant = await merchantFor(api, options.merchant, options.create ? { timezone: options.timezone } : undefined);
  const sourceName = sourceNameOf(options.file);
  refuseOldFile(merchant, sourceName, options);
  const writeKey = await writeKeyFor(api, merchant, sourceName);

  const tally: Tally = {
    lines: 0,
    pageViews: 0,
    requests: 0,
    skipped: 0,
    malformed: [],
    malformedCount: 0,
    rejected: [],
    rejectedCount: 0,
    first: Infinity,
    last: -Infinity,
  };
  const client = createRecount({
    url: options.rsocket,
    writeKey,
    onReject: (rejected) => {
      tally.rejectedCount += rejected.length;
      tally.rejected.push(...rejected.slice(0, examplesMax - tally.rejected.length));
    },
    // Said once the client gives up; until then it tries again by itself.
    onError: () => undefined,
  });
  const bar = progress('importing', size, 'bytes');
  try {
    await send(client, options, tally, (bytes) => bar.update(bytes));
    await client.flush({ withinMs: 120_000 });
  } catch (error) {
    throw error instanceof RecountRefused ? new CommandFailed(error.message) : error;
  } finally {
    bar.stop();
    await client.close({ withinMs: 0 }).catch(() => undefined);
  }
  if (tally.pageViews + tally.requests > 0) await untilCounted(api, merchant.merchantId, Date.now(), countedWithinMs);
  process.stdout.write(`${summary(api, merchant, tally)}\n`);
}

async function send(client: RecountClient, options: ImportOptions, tally: Tally, onProgress: (bytes: number) => void): Promise<void> {
  for await (const line of linesOf(options.file)) {
    tally.lines++;
    const parsed = parseLogLine(line.text);
    if (parsed === undefined) {
      tally.malformedCount++;
      if (tally.malformed.length < examplesMax) tally.malformed.push(`line ${line.number}: ${line.text.slice(0, 120)}`);
      continue;
    }
    if (options.since !== undefined && parsed.time < options.since) {
      tally.skipped++;
      continue;
    }
    const event = eventOf(parsed, line.text, line.offset, options.site.replace(/\/+$/, ''));
    if (event.name === 'page_view') tally.pageViews++;
    else tally.requests++;
    tally.first = Math.min(tally.first, parsed.time);
    tally.last = Math.max(tally.last, parsed.time);
    await client.room();
    if (!client.track(event)) throw await refusal(client);
    if (tally.lines % 1_000 === 0) onProgress(line.bytesRead);
  }
}

/** Why the client took no more: its own reason where it has one. */
async function refusal(client: RecountClient): Promise<Error> {
  return client.flush({ withinMs: 0 }).then(
    () => new CommandFailed('Recount takes no more events.'),
    (error: Error) => error,
  );
}

function sizeOf(file: string): number {
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw new Error('it is a folder; give one file');
    closeSync(openSync(file, 'r'));
    return found.size;
  } catch (error) {
    throw new CommandFailed(`Cannot read ${file}: ${oneLine(error)}`);
  }
}

/** Names the file by how it begins, so that it is known again under another name and after it has grown. */
function sourceNameOf(file: string): string {
  const head = Buffer.alloc(4_096);
  const descriptor = openSync(file, 'r');
  try {
    const length = readSync(descriptor, head, 0, head.length, 0);
    const digest = createHash('sha256')
      .update(head.subarray(0, Math.min(length, 1_024)))
      .digest('hex');
    return `access log ${digest.slice(0, 12)} (${basename(file).slice(0, 24)})`;
  } finally {
    closeSync(descriptor);
  }
}

function refuseOldFile(merchant: Merchant, sourceName: string, { file, again }: ImportOptions): void {
  const sameBeginning = sourceName.slice(0, 'access log 000000000000'.length);
  const before = merchant.sources?.find((source) => source.name.startsWith(sameBeginning));
  if (before?.createdAt === undefined || again) return;
  const at = new Date(before.createdAt);
  if (Date.now() - at.getTime() < sameIdsForMs) return;
  throw new CommandFailed(
    `${file} was imported for ${merchant.merchantId} on ${at.toISOString()}, too long ago for Recount to know its events again. ` +
      `Give --since to send only newer lines together with --again, or --again alone to count everything once more.`,
  );
}

function summary(api: Api, merchant: Merchant, tally: Tally): string {
  const lines = [
    `${grouped(tally.lines)} lines: ${grouped(tally.pageViews)} page views, ${grouped(tally.requests)} other requests` +
      (tally.skipped > 0 ? `, ${grouped(tally.skipped)} before --since` : ''),
  ];
  if (tally.malformedCount > 0)
    lines.push(`${grouped(tally.malformedCount)} lines are no log lines and were left out:`, ...tally.malformed.map(indent));
  if (tally.rejectedCount > 0) {
    lines.push(
      `${grouped(tally.rejectedCount)} events were refused:`,
      ...tally.rejected.map(({ reason, detail }) => indent(`${reason}: ${detail}`)),
    );
  }
  if (tally.first <= tally.last) {
    const [from, to] = [tally.first, tally.last].map((time) => new Date(time).toISOString().slice(0, 10));
    const query = `metrics=pageviews,visitors&interval=day&from=${from}&to=${to}&bots=include`;
    lines.push(`Counted, ${from} to ${to}. Report: ${api.url}${merchantPath(merchant.merchantId)}/timeseries?${query}`);
  }
  return lines.join('\n');
}

const indent = (text: string): string => `  ${text}`;
