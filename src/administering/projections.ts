import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { catalog } from '../../projections/catalog';
import { scopeOf } from '../stores/overlays';
import { READ_STORE, type ReadStore } from '../stores/read-store';
import { type LivePointer, recordKinds, type RebuildRecord, type RebuildState, type WorkerRecord } from '../stores/records';
import { lagSeconds, standings } from './workers';

export interface ProjectionStanding {
  name: string;
  /** Of the code this process runs. */
  codeVersion: number | null;
  /** What serves; null while the first generation has not begun. */
  version: number | null;
  generation: string | null;
  state: 'starting' | 'live' | 'stopped';
  /** Why it stopped, and what to do. */
  stopped?: string;
  /** Of the partition furthest behind; null when that is not known. */
  lagSeconds: number | null;
  /** Log records not folded yet, all partitions together. */
  recordsBehind: number;
  rebuild: { rebuildId: string; state: RebuildState } | null;
}

export class ListProjections extends Query<ProjectionStanding[]> {}

@QueryHandler(ListProjections)
export class ListProjectionsHandler implements IQueryHandler<ListProjections> {
  constructor(@Inject(READ_STORE) private readonly store: ReadStore) {}

  async execute(): Promise<ProjectionStanding[]> {
    const { records } = this.store;
    const [live, rebuilds, workers] = await Promise.all([
      records.list<LivePointer>(recordKinds.live),
      records.list<RebuildRecord>(recordKinds.rebuilds),
      records.list<WorkerRecord>(recordKinds.workers),
    ]);
    const now = Date.now();
    const partitions = [
      ...standings(
        workers.map(({ value }) => value),
        now,
      ).values(),
    ];
    const pointers = live.map(({ value }) => value);
    return projectionNames(pointers).map((name) => {
      const pointer = pointers.find(({ projection }) => projection === name);
      const own = partitions.filter(({ generation }) => generation === pointer?.generationId);
      const stopped = own.find((partition) => partition.stopped !== undefined)?.stopped;
      const lags = own.map((partition) => lagSeconds(partition, now));
      const running = rebuilds.map(({ value }) => value).filter((one) => one.projection === name && isRunning(one));
      const rebuild = running.find((one) => scopeOf(one) === undefined) ?? running[0];
      return {
        name,
        codeVersion: codeVersion(name),
        version: pointer?.version ?? null,
        generation: pointer?.generationId ?? null,
        state: pointer === undefined ? 'starting' : stopped === undefined ? 'live' : 'stopped',
        ...(stopped === undefined ? {} : { stopped }),
        lagSeconds: own.length === 0 || lags.includes(null) ? null : Math.max(...lags.map((lag) => lag ?? 0)),
        recordsBehind: own.reduce((sum, { head, checkpoint }) => sum + Math.max(0, head - checkpoint), 0),
        rebuild: rebuild === undefined ? null : { rebuildId: rebuild.rebuildId, state: rebuild.state },
      };
    });
  }
}

/** What the code counts and what serves, in that order. */
export function projectionNames(live: readonly LivePointer[]): string[] {
  return [...new Set([...catalog.map(({ name }) => name), ...live.map(({ projection }) => projection)])];
}

/** The newest version of a projection in the code; null when the code counts it no more. */
export function codeVersion(name: string): number | null {
  const versions = catalog.filter((definition) => definition.name === name).map(({ version }) => version);
  return versions.length === 0 ? null : Math.max(...versions);
}

export const isRunning = (rebuild: Pick<RebuildRecord, 'state'>): boolean => rebuild.state === 'building' || rebuild.state === 'caught-up';
