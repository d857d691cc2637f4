import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { RSocketConnector, type RSocket } from 'rsocket-core';
import { encodeBearerAuthMetadata, encodeCompositeMetadata, WellKnownMimeType } from 'rsocket-composite-metadata';
import { TcpClientTransport } from 'rsocket-tcp-client';
import { shopEvents } from './events';

/**
 * The load generator, a process of its own so that its CPU is told apart. Sends frames made beforehand, with fresh ids and times
 * written into their bytes, and waits for acknowledgements with a bounded number in flight. Tells its parent what it did.
 */
export interface LoadPlan {
  protocol: 'rsocket' | 'http';
  port: number;
  keys: string[];
  seconds: number;
  eventsPerFrame: number;
  inFlightPerConnection: number;
  /** Events a second over all connections; 0: as fast as acknowledgements come back. */
  rate: number;
}
export interface LoadResult {
  /** Acknowledged events by key, in the order given. */
  acknowledged: number[];
  /** From the first send to the last acknowledgement. */
  seconds: number;
  cpuSeconds: number;
  acknowledgedWithinMs: number[];
}

interface Frame {
  bytes: Buffer;
  ids: number[];
  times: number[];
  sentAt: number;
}

const framesPerKey = 40;
const idMark = 'ffffffffffffffff';
const timeMark = '1999999999999';

function framesOf(key: number, eventsPerFrame: number): Frame[] {
  const events = shopEvents({ merchants: 1, count: framesPerKey * eventsPerFrame, start: 0, perSecond: 200, seed: key + 1 });
  return Array.from({ length: framesPerKey }, (_, f) => {
    const batch = events
      .slice(f * eventsPerFrame, (f + 1) * eventsPerFrame)
      .map(({ merchantId: _m, receivedAt: _r, country: _c, id, ...event }) => ({
        ...event,
        // Half random, half a counter: as hard to compress as random ids are.
        id: id.slice(0, 16) + idMark,
        time: Number(timeMark),
      }));
    const bytes = Buffer.from(JSON.stringify({ events: batch, sentAt: Number(timeMark) }));
    const places = (mark: string): number[] => {
      const found: number[] = [];
      for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + 1)) found.push(at);
      return found;
    };
    const times = places(timeMark);
    return { bytes, ids: places(idMark), times: times.slice(0, -1), sentAt: times.at(-1)! };
  });
}

// Another run begins elsewhere: the same ids again would be counted once.
let serial = randomBytes(4).readUInt32LE();

/** Fresh ids and times in a copy of the frame. */
function stamp(frame: Frame, now: number): Buffer {
  const bytes = Buffer.from(frame.bytes);
  for (const at of frame.ids) {
    const n = (serial = (serial + 1) >>> 0);
    // Spread by a multiplication, so that neighbours share no digits.
    bytes.write((Math.imul(n, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0') + n.toString(16).padStart(8, '0'), at, 'latin1');
  }
  for (const at of frame.times) bytes.write(String(now - (at % 2_000)), at, 'latin1');
  bytes.write(String(now), frame.sentAt, 'latin1');
  return bytes;
}

/** Sends one batch; resolves with the answer, once it is durable. */
type Send = (data: Buffer) => Promise<string>;
interface Sender {
  send: Send;
  close(): void;
}

async function overRSocket(port: number, key: string): Promise<Sender> {
  const socket: RSocket = await new RSocketConnector({
    transport: new TcpClientTransport({ connectionOptions: { host: '127.0.0.1', port } }),
    setup: {
      keepAlive: 20_000,
      lifetime: 90_000,
      dataMimeType: 'application/json',
      metadataMimeType: WellKnownMimeType.MESSAGE_RSOCKET_COMPOSITE_METADATA.toString(),
      payload: {
        data: null,
        metadata: encodeCompositeMetadata([[WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION, encodeBearerAuthMetadata(key)]]),
      },
    },
  }).connect();
  const send: Send = (data) =>
    new Promise((resolve, reject) => {
      socket.requestResponse(
        { data },
        {
          onNext: (payload) => resolve(payload.data!.toString()),
          onError: reject,
          onComplete: () => reject(new Error('completed without an answer')),
          onExtension: () => undefined,
        },
      );
    });
  return { send, close: () => socket.close() };
}

function overHttp(port: number, key: string, connections: number): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const send: Send = (data) =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': data.length };
      const call = request({ agent, host: '127.0.0.1', port, path: '/v1/collect', method: 'POST', headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('end', () => (response.statusCode === 202 ? resolve(text) : reject(new Error(`${response.statusCode} ${text}`))));
      });
      call.once('error', reject);
      call.end(data);
    });
  return { send, close: () => agent.destroy() };
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  const frames = plan.keys.map((_, key) => framesOf(key, plan.eventsPerFrame));
  const senders = await Promise.all(
    plan.keys.map((key) => (plan.protocol === 'http' ? overHttp(plan.port, key, plan.inFlightPerConnection) : overRSocket(plan.port, key))),
  );
  const acknowledged = plan.keys.map(() => 0);
  const acknowledgedWithinMs: number[] = [];
  const cpu = process.cpuUsage();
  const from = Date.now();
  const until = from + plan.seconds * 1000;
  const pauseMs = plan.rate === 0 ? 0 : (plan.eventsPerFrame * plan.keys.length * plan.inFlightPerConnection * 1000) / plan.rate;
  const send = async (key: number, frame: number): Promise<void> => {
    const at = Date.now();
    const answer = await senders[key]!.send(stamp(frames[key]![frame % framesPerKey]!, at));
    acknowledged[key]! += (JSON.parse(answer) as { accepted: number }).accepted;
    if (acknowledgedWithinMs.length < 200_000) acknowledgedWithinMs.push(Date.now() - at);
  };
  await Promise.all(
    plan.keys.flatMap((_, key) =>
      Array.from({ length: plan.inFlightPerConnection }, async (__, lane) => {
        for (let frame = lane; Date.now() < until; frame++) {
          const at = Date.now();
          await send(key, frame);
          const wait = pauseMs - (Date.now() - at);
          if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        }
      }),
    ),
  );
  const { user, system } = process.cpuUsage(cpu);
  for (const sender of senders) sender.close();
  return { acknowledged, seconds: (Date.now() - from) / 1000, cpuSeconds: (user + system) / 1e6, acknowledgedWithinMs };
}

if (require.main === module) {
  process.once('disconnect', () => process.exit(1));
  process.once('message', (plan: LoadPlan) => {
    run(plan).then(
      (result) => {
        process.once('message', () => process.exit(0));
        process.send!(result);
      },
      (error: unknown) => {
        process.stderr.write(`load generator: ${String(error)}\n`);
        process.exit(1);
      },
    );
  });
}
