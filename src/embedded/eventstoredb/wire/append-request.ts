import type { ExpectedRevision } from '../expected-revision';
import { MalformedMessage, ProtobufReader } from './protobuf-reader';
import { parseUuid, uuidFromHalves } from './uuid';

/**
 * AppendReq and BatchAppendReq of streams.proto, read by hand without copying the events' bytes: these are the only large
 * messages the server receives.
 */

/** An event as a client proposes it. The byte fields are views into the received message. */
export interface ProposedEvent {
  /** 16 bytes. */
  id: Buffer;
  type: string;
  contentType: string;
  metadata: Buffer;
  data: Buffer;
  /** What the event counts towards the maximum append size. */
  sizeBytes: number;
  /** False when the required `type` or `content-type` is missing. */
  complete: boolean;
}

export interface AppendTarget {
  stream: string;
  expected: ExpectedRevision;
}

export type AppendMessage = { kind: 'options'; target: AppendTarget } | { kind: 'event'; event: ProposedEvent };

export interface BatchAppendMessage {
  /** Correlation id as received, echoed byte for byte. */
  correlationId: Buffer;
  /** Present in the first message of an append. */
  options: BatchAppendOptions | undefined;
  events: ProposedEvent[];
  final: boolean;
}
export interface BatchAppendOptions extends AppendTarget {
  /** The stream identifier as received, echoed byte for byte. */
  streamIdentifier: Buffer;
  /** Epoch ms after which the client no longer waits; Infinity when it named none. */
  deadlineAt: number;
}

const nothing: Buffer = Buffer.alloc(0);

export function decodeAppend(message: Buffer): AppendMessage {
  const reader = new ProtobufReader(message);
  let decoded: AppendMessage | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 1) decoded = { kind: 'options', target: decodeOptions(reader.bytes()) };
    else if (field === 2) decoded = { kind: 'event', event: decodeEvent(reader.message()) };
    else reader.skip();
  }
  if (!decoded) throw new MalformedMessage('an append message holds neither options nor an event');
  return decoded;
}

export function decodeBatchAppend(message: Buffer): BatchAppendMessage {
  const reader = new ProtobufReader(message);
  const decoded: BatchAppendMessage = { correlationId: nothing, options: undefined, events: [], final: false };
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 1) decoded.correlationId = reader.bytes();
    else if (field === 2) decoded.options = decodeOptions(reader.bytes());
    else if (field === 3) decoded.events.push(decodeEvent(reader.message()));
    else if (field === 4) decoded.final = reader.uint() !== 0;
    else reader.skip();
  }
  return decoded;
}

function decodeOptions(options: Buffer): BatchAppendOptions {
  const reader = new ProtobufReader(options);
  const decoded: BatchAppendOptions = { stream: '', streamIdentifier: nothing, expected: 0, deadlineAt: Infinity };
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 1) {
      decoded.streamIdentifier = reader.bytes();
      decoded.stream = decodeStreamName(decoded.streamIdentifier);
    } else if (field === 2) decoded.expected = reader.uint();
    else if (field >= 3 && field <= 5) {
      reader.skip();
      decoded.expected = field === 3 ? 'no-stream' : field === 4 ? 'any' : 'stream-exists';
    } else if (field === 6) decoded.deadlineAt = decodeTime(reader.message());
    else if (field === 7) decoded.deadlineAt = Date.now() + decodeTime(reader.message());
    else reader.skip();
  }
  return decoded;
}

function decodeStreamName(identifier: Buffer): string {
  const reader = new ProtobufReader(identifier);
  let name = '';
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 3) name = reader.string();
    else reader.skip();
  }
  return name;
}

/** google.protobuf.Timestamp and Duration have the same fields; in milliseconds. */
function decodeTime(reader: ProtobufReader): number {
  let milliseconds = 0;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 1) milliseconds += Number(reader.int64()) * 1_000;
    else if (field === 2) milliseconds += Number(reader.int64()) / 1_000_000;
    else reader.skip();
  }
  return milliseconds;
}

function decodeEvent(reader: ProtobufReader): ProposedEvent {
  let id: Buffer | undefined;
  let type: string | undefined;
  let contentType: string | undefined;
  let metadata = nothing;
  let data = nothing;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 1) id = decodeUuid(reader.message());
    else if (field === 2) {
      const entry = reader.message();
      let key = '';
      let value = '';
      for (let part = entry.nextField(); part !== 0; part = entry.nextField()) {
        if (part === 1) key = entry.string();
        else if (part === 2) value = entry.string();
        else entry.skip();
      }
      if (key === 'type') type = value;
      else if (key === 'content-type') contentType = value;
    } else if (field === 3) metadata = reader.bytes();
    else if (field === 4) data = reader.bytes();
    else reader.skip();
  }
  if (!id) throw new MalformedMessage('an event has no id');
  const complete = type !== undefined && contentType !== undefined;
  type ??= '';
  return {
    id,
    type,
    contentType: contentType ?? '',
    metadata,
    data,
    sizeBytes: data.length + metadata.length + 2 * type.length,
    complete,
  };
}

function decodeUuid(reader: ProtobufReader): Buffer {
  let uuid: Buffer | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 1) {
      const halves = reader.message();
      let most = 0n;
      let least = 0n;
      for (let half = halves.nextField(); half !== 0; half = halves.nextField()) {
        if (half === 1) most = halves.int64();
        else if (half === 2) least = halves.int64();
        else halves.skip();
      }
      uuid = uuidFromHalves(most, least);
    } else if (field === 2) uuid = parseUuid(reader.string());
    else reader.skip();
  }
  if (!uuid) throw new MalformedMessage('an event id is not a UUID');
  return uuid;
}
