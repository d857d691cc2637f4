import { setImmediate as turn } from 'node:timers/promises';
import { AllCursor, StreamCursor } from './log/cursors';
import type { EventLog } from './log/event-log';
import { fetchBodies, firstVisible, type Fetched } from './log/fetch';
import { Signal } from './log/signal';
import type { ReadOutput } from './read-output';
import type { ReadPlan } from './read-plan';
import { streamDeleted } from './refusal';

/** Everything after the given revision, then what is appended later, until the client leaves or the stream is ended. */
export async function subscribeToStream(log: EventLog, plan: ReadPlan, name: string, output: ReadOutput): Promise<void> {
  // A stream nobody has written to yet can be subscribed to: it is known from now on.
  const stream = log.streams.findOrAdd(name);
  const changed = (stream.changed ??= new Signal());
  const from = plan.from === 'start' ? 0 : plan.from === 'end' ? stream.count : plan.from + 1;
  const cursor = new StreamCursor(log, stream, from, false);
  const progress = new Progress(output);
  while (!output.over) {
    if (stream.tombstoned) throw streamDeleted(name);
    const first = await firstVisible(log, stream);
    const selection = await cursor.step(first, Infinity);
    if (selection) await progress.deliver(await fetchBodies(log, selection));
    else {
      await progress.caughtUp();
      // No await may come between this look and the wait for a change, or a change between them would be missed.
      if (cursor.atEnd && !stream.tombstoned) await output.changeOf(changed);
    }
  }
}

/** The same over all streams; with a filter, checkpoints say how far it has looked. */
export async function subscribeToAll(log: EventLog, plan: ReadPlan, output: ReadOutput): Promise<void> {
  const { filter } = plan;
  const from = plan.from === 'start' ? 0 : plan.from === 'end' ? log.endPosition : Math.min(plan.from + 1, log.endPosition);
  const cursor = new AllCursor(log, from, false, filter?.accepts);
  const progress = new Progress(output);
  const checkpointRecords = filter?.checkpointRecords ?? Infinity;
  let sinceCheckpoint = 0;
  let lastCheckpoint = -1;
  const checkpoint = async (): Promise<void> => {
    sinceCheckpoint = 0;
    if (cursor.lastExamined <= lastCheckpoint) return;
    lastCheckpoint = cursor.lastExamined;
    await output.checkpoint(lastCheckpoint);
  };
  while (!output.over) {
    const step = await cursor.step(Infinity, checkpointRecords - sinceCheckpoint);
    if (step) {
      sinceCheckpoint += step.examined;
      if (step.ordinals.length > 0) await progress.deliver(await fetchBodies(log, step));
      else await turn();
      if (sinceCheckpoint >= checkpointRecords) await checkpoint();
      continue;
    }
    if (filter && !progress.live) await checkpoint();
    await progress.caughtUp();
    if (cursor.atEnd) await output.changeOf(log.changed);
  }
}

/** Tells the client when it has caught up with the head, and when it has fallen behind what is kept in memory. */
class Progress {
  live = false;

  constructor(private readonly output: ReadOutput) {}

  async deliver({ bodies, fromDisk }: Fetched): Promise<void> {
    if (this.live && fromDisk) {
      this.live = false;
      await this.output.fellBehind();
    }
    await this.output.events(bodies);
  }

  async caughtUp(): Promise<void> {
    if (this.live) return;
    this.live = true;
    await this.output.caughtUp();
  }
}
