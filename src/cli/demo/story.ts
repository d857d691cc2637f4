import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the demo remembers on the data it was run on, so that it is told once. */
export interface Story {
  chapter: number;
  merchantId: string;
  /** Epoch ms at which the traffic ends. */
  until: number;
  startedAt: number;
  /** Events sent; undefined until all of them were counted. */
  sent?: number;
}

const fileOf = (dataDir: string): string => join(dataDir, 'demo.json');

export function recall(dataDir: string): Story | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(dataDir), 'utf8')) as Story;
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
