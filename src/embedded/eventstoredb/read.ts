import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb';
import { AllCursor, StreamCursor } from './log/cursors';
import type { EventLog } from './log/event-log';
import { DamagedRecord, fetchBodies, firstVisible, type Fetched } from './log/fetch';
import type { OpenCalls } from './open-calls';
import { ReadOutput } from './read-output';
import { planOf, type ReadPlan } from './read-plan';
import { dataLoss, internal, invalidArgument, streamDeleted, unavailable } from './refusal';
import { subscribeToAll, subscribeToStream } from './subscribe';

/** Streams.Read: a stream or $all, either way, up to a count or as a subscription. */
export function readHandler(log: EventLog, calls: OpenCalls) {
  return (call: ServerWritableStream<ReadReq, Buffer>): void => {
    let plan: ReadPlan;
    try {
      plan = planOf(call.request);
    } catch (error) {
      call.emit('error', error);
      return;
    }
    const closed = calls.add((reason) => output.fail(unavailable(reason)));
    const output: ReadOutput = new ReadOutput(call, plan.structuredIds, () => closed());
    answer(log, plan, output).then(
      () => output.end(),
      (error: Error) => output.fail(asStatus(error)),
    );
  };
}

function asStatus(error: Error): Error {
  if ('code' in error && typeof error.code === 'number') return error;
  return error instanceof DamagedRecord ? dataLoss(error.message) : internal(error.message);
}

async function answer(log: EventLog, plan: ReadPlan, output: ReadOutput): Promise<void> {
  if (plan.subscription) {
    await output.confirmation(randomUUID());
    await (plan.target.kind === 'stream' ? subscribeToStream(log, plan, plan.target.name, output) : subscribeToAll(log, plan, output));
  } else if (plan.target.kind === 'stream') await readStream(log, plan, plan.target.name, output);
  else await readAll(log, plan, output);
}

async function readStream(log: EventLog, plan: ReadPlan, name: string, output: ReadOutput): Promise<void> {
  const stream = log.streams.find(name);
  if (stream?.tombstoned) throw streamDeleted(name);
  if (!stream || stream.count === 0 || stream.retention?.softDeleted) return output.streamNotFound(name);
  const { backwards } = plan;
  const last = stream.count - 1;
  const from = plan.from === 'start' ? 0 : plan.from === 'end' ? (backwards ? last : last + 1) : plan.from;
  const cursor = new StreamCursor(log, stream, backwards ? Math.min(from, last) : from, backwards);
  const first = await firstVisible(log, stream);
  let left = plan.countMax;
  await pump(output, async () => {
    const selection = await cursor.step(first, left);
    if (!selection) return undefined;
    left -= selection.ordinals.length;
    return fetchBodies(log, selection);
  });
}

async function readAll(log: EventLog, plan: ReadPlan, output: ReadOutput): Promise<void> {
  const { from, backwards } = plan;
  if (typeof from === 'number' && from > log.endPosition) throw invalidArgument('Trying to read from an invalid position.');
  const cursor = new AllCursor(log, from === 'start' ? 0 : from === 'end' ? log.endPosition : from, backwards, plan.filter?.accepts);
  let left = plan.countMax;
  await pump(output, async () => {
    for (;;) {
      const step = await cursor.step(left);
      if (!step) return undefined;
      left -= step.ordinals.length;
      if (step.ordinals.length > 0) return fetchBodies(log, step);
      // A filter that matches little walks the index for long; others get their turn between the steps.
      await turn();
      if (output.over) return undefined;
    }
  });
}

/** Sends what `next` fetches until it is undefined; the next step is fetched while the last one is being sent. */
async function pump(output: ReadOutput, next: () => Promise<Fetched | undefined>): Promise<void> {
  let ahead = next();
  for (;;) {
    const fetched = await ahead;
    if (!fetched || output.over) return;
    ahead = next();
    // Awaited in the next round; a failure meanwhile must not count as unhandled.
    ahead.catch(() => undefined);
    await output.events(fetched.bodies);
  }
}
