import type { WrittenDocuments } from './documents';
import type { EndToEnd } from './e2e';
import { shown, spreadOf } from './figures';
import type { Folded } from './fold';
import type { History } from './preload';
import type { Queried } from './query';
import type { Rebuilt } from './rebuild';
import type { StoreFigures } from './stores';
import type { ProcessFigures } from './usage';

/** Tables for people; each function gives back what it was given. */
export function printFold(folded: Folded): Folded {
  const row = ({ median, min, max }: Folded['steps'][number]['cpuUsPerEvent']): object => ({
    'CPU µs/event': Number(median.toFixed(2)),
    'lowest–highest': `${min.toFixed(2)}–${max.toFixed(2)}`,
  });
  console.table(Object.fromEntries(folded.steps.map(({ name, cpuUsPerEvent }) => [name, row(cpuUsPerEvent)])));
  console.log(`${folded.bytesPerEvent.toFixed(1)} bytes an event in the log, ${folded.jsonBytesPerEvent.toFixed(0)} as JSON`);
  return folded;
}

export function printDocuments(written: WrittenDocuments[]): WrittenDocuments[] {
  console.table(
    written.map(({ merchants, documentsPerThousandEvents, bytesPerDocument, heapMb }) => ({
      'active merchants': merchants,
      'documents per 1,000 events': Math.round(documentsPerThousandEvents),
      'bytes a document': Math.round(bytesPerDocument),
      'heap MB': heapMb,
    })),
  );
  return written;
}

export function printStores(figures: StoreFigures[]): StoreFigures[] {
  const text = ({ median, min, max }: StoreFigures['perSecond'], digits: number): string => shown([min, median, max], digits);
  console.table(
    Object.fromEntries(
      figures.map(({ what, perSecond, serverCpuUs, clientCpuUs }) => [
        what,
        { 'a second': text(perSecond, 0), 'server CPU µs': text(serverCpuUs, 1), 'client CPU µs': text(clientCpuUs, 1) },
      ]),
    ),
  );
  return figures;
}

export function printEndToEnd(result: { runs: EndToEnd[][]; atHalf: EndToEnd }): typeof result {
  for (const runs of [...result.runs, [result.atHalf]]) printLoad(runs);
  return result;
}

function printLoad(runs: readonly EndToEnd[]): void {
  const [{ protocol, eventsPerFrame, rate, visibleAfterMs }] = runs as [EndToEnd];
  const all = (of: (run: EndToEnd) => number, digits = 0): string => shown(runs.map(of), digits);
  console.log(
    `\n${protocol}, ${eventsPerFrame} events a frame, ${rate === 0 ? 'as fast as it goes' : `${Math.round(rate)} events/s offered`}`,
  );
  console.log(`  acknowledged       ${all((run) => run.collectedPerSecond)} events/s`);
  console.log(`  counted, visible   ${all((run) => run.visiblePerSecond)} events/s`);
  console.log(`  acknowledged after ${all((run) => run.acknowledgedP50Ms)} ms, p99 ${all((run) => run.acknowledgedP99Ms)} ms`);
  if (visibleAfterMs !== undefined) {
    console.log(`  visible after      ${visibleAfterMs.p50} ms, p99 ${visibleAfterMs.p99} ms (${visibleAfterMs.samples} samples)`);
  }
  console.log(
    `  in the log         ${all((run) => run.blockBytesPerEvent, 1)} bytes an event, ${all((run) => run.logBytesPerEvent, 1)} on disk`,
  );
  console.log(`  CPU to collect     ${all((run) => run.collectingCpuUsPerEvent, 1)} µs/event (front, while the load lasted)`);
  printProcesses(runs.map((run) => run.processes));
}

export function printHistory(title: string, history: History, loaded: { countedSeconds: number }): void {
  const { events, merchants } = history;
  const perSecond = Math.round(events / loaded.countedSeconds).toLocaleString('en-US');
  console.log(
    `\n${events.toLocaleString('en-US')} events of ${merchants.length} merchants over ${title}; ` +
      `encoded, appended and counted live in ${loaded.countedSeconds.toFixed(1)} s (${perSecond} events/s)`,
  );
}

export function printRebuild(runs: readonly Rebuilt[]): void {
  console.log(`\nreset of ${runs[0]!.projections.join(', ')}`);
  console.log(`  ${shown(runs.map(({ eventsPerSecond }) => eventsPerSecond))} events/s until caught up`);
  console.log(
    `  ${shown(
      runs.map(({ caughtUpSeconds }) => caughtUpSeconds),
      1,
    )} s, serving after ${shown(
      runs.map(({ liveSeconds }) => liveSeconds),
      1,
    )} s`,
  );
  printProcesses(runs.map(({ processes }) => processes));
}

export function printQueries(title: string, byReaders: readonly Queried[][]): void {
  console.log(`\n${title}`);
  console.table(
    byReaders.map((runs) => ({
      readers: runs[0]!.readers,
      'p50 ms': shown(
        runs.map(({ p50Ms }) => p50Ms),
        1,
      ),
      'p99 ms': shown(
        runs.map(({ p99Ms }) => p99Ms),
        1,
      ),
      'queries/s': shown(runs.map(({ queriesPerSecond }) => queriesPerSecond)),
      'CPU ms a query': Object.keys(runs[0]!.cpuMs)
        .map((name) => `${name} ${spreadOf(runs.map(({ cpuMs }) => cpuMs[name]!)).median.toFixed(2)}`)
        .join(', '),
    })),
  );
}

function printProcesses(runs: readonly Record<string, ProcessFigures>[]): void {
  console.table(
    Object.fromEntries(
      Object.keys(runs[0]!).map((name) => [
        name,
        {
          'CPU µs/event': shown(
            runs.map((processes) => processes[name]!.cpuUsPerEvent),
            2,
          ),
          'peak RSS MB': Math.max(...runs.map((processes) => processes[name]!.rssPeakMb)),
        },
      ]),
    ),
  );
}
