import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { UUID, StreamIdentifier, Empty } from '@eventstore/db-client/generated/shared_pb';
import { BatchAppendReq, ReadResp } from '@eventstore/db-client/generated/streams_pb';
import { decideAfterComparison, decideAppend, type ExpectedRevision } from '../../../src/embedded/eventstoredb/expected-revision';
import { portableCrc32 } from '../../../src/embedded/eventstoredb/log/crc32';
import { encodeRecord, headerBytes, readBody, readHeader } from '../../../src/embedded/eventstoredb/log/record';
import { RecentIds } from '../../../src/embedded/eventstoredb/log/recent-ids';
import { formatRetention, parseRetention, restartedMetadata } from '../../../src/embedded/eventstoredb/log/retention';
import { StreamState } from '../../../src/embedded/eventstoredb/log/stream-state';
import { TailRing, type Reservation } from '../../../src/embedded/eventstoredb/log/tail-ring';
import { decodeBatchAppend } from '../../../src/embedded/eventstoredb/wire/append-request';
import { MalformedMessage } from '../../../src/embedded/eventstoredb/wire/protobuf-reader';
import { formatUuid } from '../../../src/embedded/eventstoredb/wire/uuid';

const bytes = (maxLength = 300) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const alone = (size: number): Reservation => ({ buffer: Buffer.alloc(size), end: undefined });
const content = fc.record({
  stream: fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }),
  revision: fc.nat({ max: 2 ** 31 }).map((n) => n * 1_000),
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array)),
  type: fc.string({ unit: 'binary', maxLength: 200 }),
  contentType: fc.constantFrom('application/json', 'application/octet-stream'),
  createdMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  metadata: bytes(),
  data: bytes(20_000),
});
const position = fc.integer({ min: 0, max: 2 ** 47 });

describe('a stored record', () => {
  it('is the message a client decodes to what was appended', () => {
    fc.assert(
      fc.property(content, position, (record, at) => {
        const { buffer } = encodeRecord(record, at, 0, true, alone);
        const response = ReadResp.deserializeBinary(buffer.subarray(headerBytes));
        const event = response.getEvent()!.getEvent()!;
        const map = event.getMetadataMap();
        expect({
          stream: Buffer.from(event.getStreamIdentifier()!.getStreamName_asU8()).toString(),
          revision: Number(event.getStreamRevision()),
          id: event.getId()!.getString(),
          type: map.get('type'),
          contentType: map.get('content-type'),
          createdMs: Number(map.get('created')) / 10_000,
          metadata: Buffer.from(event.getCustomMetadata_asU8()),
          data: Buffer.from(event.getData_asU8()),
        }).toEqual({ ...record, id: formatUuid(record.id), stream: Buffer.from(record.stream).toString() });
        expect(response.getEvent()!.getCommitPosition()).toBe(String(at));
        expect([event.getCommitPosition(), event.getPreparePosition()]).toEqual([String(at), String(at)]);
      }),
      { numRuns: 200 },
    );
  });

  it('is read back from its header, and not when a single bit of it is wrong or it is elsewhere', () => {
    fc.assert(
      fc.property(content, position, fc.nat(), fc.integer({ min: 0, max: 7 }), (record, at, byte, bit) => {
        const { buffer } = encodeRecord(record, at, 0, false, alone);
        const read = (): string | undefined => {
          const header = readHeader(buffer, 0, at);
          const body = header && readBody(buffer, 0, header);
          return body?.toString('utf8', header!.typeOffset, header!.typeOffset + header!.typeBytes);
        };
        expect(read()).toBe(Buffer.from(record.type).toString());
        expect(readHeader(buffer, 0, at + 1)).toBeUndefined();
        buffer[byte % buffer.length]! ^= 1 << bit;
        expect(read()).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it('has the same checksum on every version of Node', () => {
    expect(portableCrc32(Buffer.from('123456789'))).toBe(0xcbf43926);
    expect(portableCrc32(Buffer.from('The quick brown fox jumps over the lazy dog'))).toBe(0x414fa339);
    expect(portableCrc32(Buffer.alloc(0))).toBe(0);
  });
});

describe('a request', () => {
  const uuid = fc.uuid();
  const proposed = fc.record({ id: uuid, type: fc.string(), data: bytes(), metadata: bytes(), structured: fc.boolean() });

  it('is read as the generated code writes it', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.array(proposed, { maxLength: 5 }),
        fc.nat(),
        fc.boolean(),
        (stream, events, revision, final) => {
          const request = new BatchAppendReq().setIsFinal(final).setCorrelationId(new UUID().setString('correlation'));
          const identifier = new StreamIdentifier().setStreamName(Buffer.from(stream));
          const options = new BatchAppendReq.Options().setStreamIdentifier(identifier);
          if (revision % 2) options.setStreamPosition(String(revision));
          else options.setStreamExists(new Empty());
          request.setOptions(options);
          for (const { id, type, data, metadata, structured } of events) {
            const raw = Buffer.from(id.replaceAll('-', ''), 'hex');
            const halves = new UUID.Structured()
              .setMostSignificantBits(String(raw.readBigInt64BE(0)))
              .setLeastSignificantBits(String(raw.readBigInt64BE(8)));
            const message = new BatchAppendReq.ProposedMessage()
              .setId(structured ? new UUID().setStructured(halves) : new UUID().setString(id))
              .setData(data)
              .setCustomMetadata(metadata);
            message.getMetadataMap().set('type', type).set('content-type', 'application/json');
            request.addProposedMessages(message);
          }
          const decoded = decodeBatchAppend(Buffer.from(request.serializeBinary()));
          expect(decoded.final).toBe(final);
          expect(decoded.options).toMatchObject({
            stream: Buffer.from(stream).toString(),
            expected: revision % 2 ? revision : 'stream-exists',
            streamIdentifier: Buffer.from(identifier.serializeBinary()),
          });
          expect(decoded.events.map((event) => ({ ...event, id: formatUuid(event.id) }))).toEqual(
            events.map(({ id, type, data, metadata }) => ({
              id,
              type: Buffer.from(type).toString(),
              contentType: 'application/json',
              data,
              metadata,
              sizeBytes: data.length + metadata.length + 2 * Buffer.from(type).toString().length,
              complete: true,
            })),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it('made of any bytes is read or refused, never worse', () => {
    fc.assert(
      fc.property(bytes(100), (message) => {
        try {
          decodeBatchAppend(message);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the ids remembered', () => {
  it('are those of the newest records, as a plain map would have them', () => {
    const step = fc.record({ id: fc.nat({ max: 400 }), stream: fc.nat({ max: 2 }) });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 3_000, size: 'max' }),
        fc.constantFrom(1, 7, 1_024, 1_500),
        (steps, capacity) => {
          const ids = new RecentIds(capacity);
          const idOf = (n: number): Buffer => Buffer.from(`id-${n}`.padEnd(16, '.'));
          steps.forEach(({ id, stream }, revision) => ids.add(idOf(id), 0, stream, revision));
          const newest = new Map<string, number>();
          steps.forEach(({ id, stream }, revision) => {
            if (revision >= steps.length - capacity) newest.set(`${id}/${stream}`, revision);
          });
          for (let id = 0; id <= 400; id += 3) {
            for (let stream = 0; stream < 3; stream++) {
              const found = ids.revision(idOf(id), stream);
              if (found !== newest.get(`${id}/${stream}`)) throw new Error(`${id} in ${stream} is at ${found}`);
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('the ring of newest records', () => {
  it('gives a record as it was written or not at all, and leaves alone what is still being written', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('reserve' as const), size: fc.integer({ min: 1, max: 400 }) }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('publish' as const), size: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('abandon' as const), size: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const ring = new TailRing(1_000);
        let waiting: { position: number; reservation: Reservation; expected: Buffer }[] = [];
        const published = new Map<number, Buffer>();
        let position = 0;
        for (const { kind, size } of steps) {
          if (kind === 'reserve') {
            const reservation = ring.reserve(size);
            const expected = randomBytes(size);
            expected.copy(reservation.buffer);
            waiting.push({ position: position++, reservation, expected });
          } else if (kind === 'publish') {
            const next = waiting.shift();
            if (!next) continue;
            ring.publish(next.position, next.reservation);
            published.set(next.position, next.expected);
          } else {
            ring.abandon();
            waiting = [];
          }
          if (!waiting.every(({ reservation, expected }) => reservation.buffer.equals(expected))) throw new Error('overwritten');
        }
        for (const [at, expected] of published) {
          if (ring.copy(at, 0)?.equals(expected) === false) throw new Error(`position ${at} is not as written`);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('a stream', () => {
  it('knows which segment holds each of its revisions', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 40 }), (perSegment) => {
        const stream = new StreamState(0, 's');
        const places: { segment: number; firstRevision: number }[] = [];
        perSegment.forEach((count, segment) => {
          const firstRevision = stream.count;
          for (let i = 0; i < count; i++) {
            stream.addPlace(segment, stream.count++);
            places.push({ segment, firstRevision });
          }
          if (count > 0) expect(stream.firstRevisionIn(segment)).toBe(firstRevision);
        });
        expect(places.map((_, revision) => stream.placeOf(revision))).toEqual(places);
      }),
    );
  });
});

describe('expected revisions', () => {
  /** A stream of events with the ids 0 … last, all of them remembered. */
  const decide = (expected: ExpectedRevision, last: number, ids: number[], softDeleted = false): string => {
    const facts = { lastRevision: last, tombstoned: false, softDeleted, hasMetadata: false };
    const decision = decideAppend(expected, facts, ids.length, (i) => (ids[i]! >= 0 && ids[i]! <= last ? ids[i] : undefined));
    if (decision.kind !== 'compare') return decision.kind;
    let equal = 0;
    while (equal < ids.length && decision.firstRevision + equal <= last && ids[equal] === decision.firstRevision + equal) equal++;
    return decideAfterComparison(expected, facts, ids.length, decision.firstRevision, equal).kind;
  };

  it.each<[string, ExpectedRevision, number, number[], string]>([
    ['any, new events', 'any', 4, [90, 91], 'write'],
    ['any, known events', 'any', 4, [1, 2], 'repeated'],
    ['any, a known and a new event', 'any', 4, [4, 90], 'wrong-revision'],
    ['no stream, none there', 'no-stream', -1, [90], 'write'],
    ['no stream, one there', 'no-stream', 0, [90], 'wrong-revision'],
    ['no stream, the same events there', 'no-stream', 4, [0, 1], 'repeated'],
    ['stream exists, none there', 'stream-exists', -1, [90], 'wrong-revision'],
    ['stream exists, one there', 'stream-exists', 0, [90], 'write'],
    ['the newest revision', 4, 4, [90], 'write'],
    ['a later revision', 5, 4, [90], 'wrong-revision'],
    ['an earlier revision, new events', 2, 4, [90], 'wrong-revision'],
    ['an earlier revision, the same events', 2, 4, [3, 4], 'repeated'],
    ['an earlier revision, reaching beyond the newest', 2, 4, [3, 4, 90], 'wrong-revision'],
    ['an earlier revision, the same events elsewhere', 2, 4, [1], 'wrong-revision'],
    ['an earlier revision, no events', 2, 4, [], 'wrong-revision'],
  ])('%s', (_name, expected, last, ids, decision) => {
    expect(decide(expected, last, ids)).toBe(decision);
  });

  it('a deleted stream may begin again with no-stream, but does not exist', () => {
    expect(decide('no-stream', 4, [90], true)).toBe('write');
    expect(decide('stream-exists', 4, [90], true)).toBe('deleted');
  });
});

describe('retention', () => {
  it('is read from metadata and survives the index file', () => {
    for (const json of ['{"$maxCount":3}', '{"$maxAge":60,"$tb":5}', '{"$tb":9223372036854775807,"owner":"ann"}']) {
      const retention = parseRetention(json)!;
      expect(parseRetention(formatRetention(retention))).toEqual(retention);
    }
    expect(parseRetention('{"$maxCount":3,"$maxAge":0,"$tb":-1}')).toEqual({ maxCount: 3, softDeleted: false });
    for (const json of ['', 'null', '[]', '{"$maxCount":"3"}', '{"owner":"ann"}']) expect(parseRetention(json)).toBeUndefined();
  });

  it('keeps what else the metadata said when a deleted stream begins again', () => {
    const deleted = parseRetention('{"$tb":9223372036854775807,"owner":"ann"}')!;
    expect(JSON.parse(restartedMetadata(deleted, 7))).toEqual({ $tb: 7, owner: 'ann' });
  });
});
