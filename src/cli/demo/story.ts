import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoDays } from './report';
import type { DemoTraffic } from './traffic';

/** Of a story that does not say. */
export const demoEvents = 200_000;

/** What the demo remembers on the data it was run on, so that it is told once. */
export interface Story {
  chapter: number;
  merchantId: string;
  /** Epoch ms at which the traffic ends. */
  until: number;
  /** About how many events it has. */
  events: number;
  startedAt: number;
  /** Events sent; undefined until all of them were counted. */
  sent?: number;
}

const seed = 20_260_101;

/** The same story has the same events with the same ids. */
export function trafficOf({ until, events }: Pick<Story, 'until' | 'events'>): DemoTraffic {
  return { seed, until, days: demoDays, events };
}

const fileOf = (dataDir: string): string => join(dataDir, 'demo.json');

export function recall(dataDir: string): Story | undefined {
  try {
    const known = JSON.parse(readFileSync(fileOf(dataDir), 'utf8')) as Omit<Story, 'events'> & Partial<Story>;
    return { ...known, events: known.events ?? demoEvents };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function keep(dataDir: string, story: Story): void {
  const next = `${fileOf(dataDir)}.next`;
  writeFileSync(next, `${JSON.stringify(story)}\n`);
  renameSync(next, fileOf(dataDir));
}

export function forget(dataDir: string): void {
  rmSync(fileOf(dataDir), { force: true });
}
