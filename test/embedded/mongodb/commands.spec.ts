import { connect } from 'node:net';
import { once } from 'node:events';
import { Binary, Decimal128, Double, Int32, Long, MongoClient, ObjectId, Timestamp, type Document } from 'mongodb';
import { Running } from './running-server';

let running: Running;
const collection = (name = expect.getState().currentTestName!.replace(/\W+/g, '_').slice(-60)) =>
  running.db.collection<Document & { _id: string | number | Int32 | Long | Double | Decimal128 | ObjectId | null }>(name as string);

async function codeOf(action: Promise<unknown>): Promise<number | string | undefined> {
  try {
    await action;
    return undefined;
  } catch (error) {
    return (error as { code?: number }).code;
  }
}

beforeAll(async () => {
  running = await Running.start({ ttlIntervalMs: 50 });
});
afterAll(async () => {
  expect(running.reports).toEqual([]);
  await running.stop();
});

describe('a client that connects', () => {
  it('sees a standalone server it can talk to', async () => {
    const hello = await running.db.command({ hello: 1 });
    expect(hello).toMatchObject({ isWritablePrimary: true, maxBsonObjectSize: 16777216, maxWriteBatchSize: 100000, ok: 1 });
    expect(hello.setName).toBeUndefined();
    expect(await running.db.command({ ping: 1 })).toEqual({ ok: 1 });
    expect((await running.db.admin().buildInfo()).version).toMatch(/^7\./);
  });

  it('gets answers to what shells ask first', async () => {
    for (const command of [
      { connectionStatus: 1 },
      { getParameter: 1, featureCompatibilityVersion: 1 },
      { getLog: 'startupWarnings' },
      { getCmdLineOpts: 1 },
      { hostInfo: 1 },
      { serverStatus: 1 },
      { whatsmyuri: 1 },
      { dbStats: 1 },
    ]) {
      expect((await running.client.db('admin').command(command)).ok).toBe(1);
    }
  });

  it('is told that a command does not exist', async () => {
    await expect(running.db.command({ fly: 1 })).rejects.toMatchObject({ code: 59, codeName: 'CommandNotFound' });
  });

  it('is refused a transaction clearly', async () => {
    const session = running.client.startSession();
    session.startTransaction();
    await expect(collection('t').insertOne({ _id: 1 }, { session })).rejects.toThrow();
    await session.abortTransaction().catch(() => undefined);
    await session.endSession();
  });

  it('has its connection closed when it sends garbage, and only its own', async () => {
    for (const garbage of [
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Buffer.alloc(64, 0xff),
      Buffer.from([21, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0, 0, 0, 0, 0, 9]),
    ]) {
      const socket = connect(running.server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(garbage);
      await once(socket, 'close');
    }
    expect(await running.db.command({ ping: 1 })).toEqual({ ok: 1 });
  });

  it('gets InvalidBSON for a document that is none, and the connection goes on', async () => {
    const socket = connect(running.server.port, '127.0.0.1');
    const body = Buffer.from([0x0f, 0, 0, 0, 0x02, 0x61, 0, 0xff, 0, 0, 0, 0x61, 0, 0, 0]);
    const message = Buffer.alloc(21 + body.length);
    message.writeInt32LE(message.length, 0);
    message.writeInt32LE(2013, 12);
    body.copy(message, 21);
    for (let i = 0; i < 2; i++) {
      socket.write(message);
      const [reply] = (await once(socket, 'data')) as [Buffer];
      expect(reply.toString('latin1')).toContain('InvalidBSON');
    }
    socket.destroy();
  });
});

describe('inserting', () => {
  it('keeps each BSON type exactly as sent', async () => {
    const document = {
      _id: new ObjectId(),
      int: new Int32(7),
      long: Long.fromString('7'),
      big: Long.fromString('9223372036854775807'),
      double: new Double(7),
      decimal: Decimal128.fromString('7.00'),
      binary: new Binary(Buffer.from([1, 2, 3]), 128),
      date: new Date(-5),
      text: 'ä\u0000b',
      nested: { '10': 1, '9': [null, true] },
      stamp: new Timestamp({ t: 5, i: 6 }),
      pattern: /x/i,
    };
    await collection().insertOne(document);
    const stored = (await collection().findOne({ _id: document._id }, { promoteValues: false, promoteLongs: false })) as Document;
    const type = (field: string) => (stored[field] as { _bsontype: string })._bsontype;
    expect(['int', 'long', 'big', 'double', 'decimal', 'binary', 'stamp'].map(type)).toEqual([
      'Int32',
      'Long',
      'Long',
      'Double',
      'Decimal128',
      'Binary',
      'Timestamp',
    ]);
    expect(String(stored.decimal)).toBe('7.00');
    expect(String(stored.big)).toBe('9223372036854775807');
    expect((stored.binary as Binary).sub_type).toBe(128);
    expect(stored.date).toEqual(new Date(-5));
    expect(stored.text).toBe('ä\u0000b');
  });

  it('reports a duplicate _id with key pattern and value', async () => {
    await collection().insertOne({ _id: 'a' });
    await expect(collection().insertOne({ _id: 'a' })).rejects.toMatchObject({
      code: 11000,
      keyPattern: { _id: 1 },
      keyValue: { _id: 'a' },
    });
  });

  it('treats 1 and 1.0 as the same _id, and 2^53 and 2^53 + 1 as two', async () => {
    await collection().insertOne({ _id: new Int32(1) });
    expect(await codeOf(collection().insertOne({ _id: Long.fromNumber(1) }))).toBe(11000);
    expect(await codeOf(collection().insertOne({ _id: Decimal128.fromString('1.0') }))).toBe(11000);
    await collection().insertOne({ _id: new Double(2 ** 53) });
    await collection().insertOne({ _id: Long.fromString('9007199254740993') });
    expect(await collection().countDocuments({ _id: { $gt: 2 ** 53 } })).toBe(1);
  });

  it('goes on after a refusal only when unordered', async () => {
    await collection().insertOne({ _id: 2 });
    const documents = [1, 2, 3, 2, 4].map((_id) => ({ _id }));
    const ordered = await collection()
      .insertMany(documents)
      .catch((error: { writeErrors: { index: number }[] }) => error.writeErrors.map(({ index }) => index));
    expect(ordered).toEqual([1]);
    expect(await collection().countDocuments()).toBe(2);
    const unordered = await collection()
      .insertMany(documents, { ordered: false })
      .catch((error: { writeErrors: { index: number }[] }) => error.writeErrors.map(({ index }) => index));
    expect(unordered).toEqual([0, 1, 3]);
    expect(await collection().countDocuments()).toBe(4);
  });

  it('accepts 16 MB and refuses more', async () => {
    await collection().insertOne({ _id: 1, bytes: Buffer.alloc(16 * 1024 * 1024 - 100) });
    expect(((await collection().findOne({ _id: 1 }))!.bytes as Binary).length()).toBe(16 * 1024 * 1024 - 100);
    await expect(collection().insertOne({ _id: 2, bytes: Buffer.alloc(16 * 1024 * 1024) })).rejects.toThrow();
  });

  it('refuses an _id too long to be a key', async () => {
    expect(await codeOf(collection().insertOne({ _id: 'x'.repeat(3000) }))).toBe(17280);
    expect(await collection().findOne({ _id: 'x'.repeat(3000) })).toBeNull();
  });
});

describe('a guarded upsert', () => {
  const flush = (operations: { id: string; rev: number; r0: number }[]) =>
    collection().bulkWrite(
      operations.map(({ id, rev, r0 }) => ({
        replaceOne: { filter: { _id: id, rev: { $lte: r0 } }, replacement: { rev, n: rev }, upsert: true },
      })),
      { ordered: false },
    );

  it('creates what is absent, replaces what is older, and is a duplicate key where a newer one is stored', async () => {
    expect(
      await flush([
        { id: 'a', rev: 5, r0: 0 },
        { id: 'b', rev: 5, r0: 0 },
      ]),
    ).toMatchObject({ upsertedCount: 2 });
    expect(await flush([{ id: 'a', rev: 9, r0: 5 }])).toMatchObject({ matchedCount: 1, modifiedCount: 1, upsertedCount: 0 });
    const error = await flush([
      { id: 'a', rev: 7, r0: 5 },
      { id: 'c', rev: 7, r0: 5 },
      { id: 'b', rev: 7, r0: 5 },
    ]).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 11000, writeErrors: [{ index: 0, code: 11000 }], result: { upsertedCount: 1, matchedCount: 1 } });
    expect(await collection().find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 'a', rev: 9, n: 9 },
      { _id: 'b', rev: 7, n: 7 },
      { _id: 'c', rev: 7, n: 7 },
    ]);
  });

  it('wins once when many race', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () =>
        codeOf(collection().updateOne({ _id: 'x', rev: { $lte: 0 } }, { $set: { rev: 1 }, $inc: { n: 1 } }, { upsert: true })),
      ),
    );
    expect(outcomes.filter((code) => code === undefined)).toHaveLength(1);
    expect(outcomes.filter((code) => code === 11000)).toHaveLength(49);
    expect(await collection().findOne()).toEqual({ _id: 'x', rev: 1, n: 1 });
  });
});

describe('updating', () => {
  const after = async (document: Document, update: Document, options: Document = {}) => {
    await collection().deleteMany({});
    await collection().insertOne({ _id: 1, ...document });
    await collection().updateOne({ _id: 1 }, update, options);
    return collection().findOne({ _id: 1 }, { projection: { _id: 0 } });
  };
  const typesAfter = async (value: unknown, by: unknown) => {
    await collection().deleteMany({});
    await collection().insertOne({ _id: 1, n: value });
    await collection().updateOne({ _id: 1 }, { $inc: { n: by } } as never);
    const n = ((await collection().findOne({ _id: 1 }, { promoteValues: false, promoteLongs: false })) as Document).n as {
      _bsontype: string;
      toString(): string;
    };
    return `${n._bsontype} ${String(n)}`;
  };

  it('gives $inc the types MongoDB gives it', async () => {
    expect(await typesAfter(new Int32(1), new Int32(2))).toBe('Int32 3');
    expect(await typesAfter(new Int32(2147483647), new Int32(1))).toBe('Long 2147483648');
    expect(await typesAfter(new Int32(1), Long.fromNumber(2))).toBe('Long 3');
    expect(await typesAfter(new Int32(1), new Double(2))).toBe('Double 3');
    expect(await typesAfter(Long.fromString('9007199254740993'), new Int32(2))).toBe('Long 9007199254740995');
    expect(await typesAfter(Decimal128.fromString('1.10'), new Int32(2))).toBe('Decimal128 3.10');
    expect(await codeOf(typesAfter(Long.MAX_VALUE, new Int32(1)))).toBe(2);
    expect(await codeOf(typesAfter('text', new Int32(1)))).toBe(14);
  });

  it('applies each operator', async () => {
    expect(await after({ a: 1 }, { $set: { 'b.c': 2 }, $setOnInsert: { never: 1 } })).toEqual({ a: 1, b: { c: 2 } });
    expect(await after({ a: { b: 1, c: 2 } }, { $unset: { 'a.b': '' } })).toEqual({ a: { c: 2 } });
    expect(await after({ a: 5 }, { $max: { a: 7, b: 1 }, $min: { c: 3 } })).toEqual({ a: 7, b: 1, c: 3 });
    expect(await after({ a: 5 }, { $mul: { a: 3, b: 2 } })).toEqual({ a: 15, b: 0 });
    expect(await after({ a: [1] }, { $push: { a: { $each: [3, 2], $sort: 1, $slice: -2 }, b: 9 } })).toEqual({ a: [2, 3], b: [9] });
    expect(await after({ a: [1] }, { $addToSet: { a: { $each: [1, 2, 2] } } })).toEqual({ a: [1, 2] });
    expect(await after({ a: [1, 5, 9], b: [{ x: 1 }, { x: 2 }] }, { $pull: { a: { $gt: 4 }, b: { x: 1 } } })).toEqual({
      a: [1],
      b: [{ x: 2 }],
    });
    expect(await after({ a: [1, 2, 3] }, { $pullAll: { a: [1, 3] } })).toEqual({ a: [2] });
    expect(await after({ a: [1, 2, 3] }, { $pop: { a: -1 } })).toEqual({ a: [2, 3] });
    expect(await after({ a: 1 }, { $rename: { a: 'z.y' } })).toEqual({ z: { y: 1 } });
    expect(await after({ a: 12 }, { $bit: { a: { and: 10 } } })).toEqual({ a: 8 });
    expect(await after({ a: [1, 2] }, { $set: { 'a.1': 9, 'a.3': 7 } })).toEqual({ a: [1, 9, null, 7] });
    expect((await after({}, { $currentDate: { d: true } }))!.d).toBeInstanceOf(Date);
    expect(await after({ a: 1, b: 2 }, [{ $set: { c: { $add: ['$a', '$b'] } } }] as never)).toEqual({ a: 1, b: 2, c: 3 });
  });

  it('keeps the order of fields, also of numeric names', async () => {
    await collection().insertOne({
      _id: 1,
      z: new Map([
        ['10', 1],
        ['2', 2],
      ]),
      a: 1,
    });
    await collection().updateOne({ _id: 1 }, { $inc: { 'z.2': 1 }, $set: { c: 1, b: 1 } });
    const raw = (await collection().findOne({ _id: 1 }, { raw: true })) as unknown as Buffer;
    const names = raw.toString('latin1');
    expect(names.indexOf('\x0010\0') < 0 || names.indexOf('10\0') < names.indexOf('2\0')).toBe(true);
    expect(names.indexOf('10\0')).toBeLessThan(names.indexOf('\x102\0'));
    expect(names.indexOf('\x10b\0')).toBeLessThan(names.indexOf('\x10c\0'));
  });

  it('refuses what MongoDB refuses, by its codes', async () => {
    await collection().insertOne({ _id: 1, a: 1, list: [1] });
    const update = (change: Document, options: Document = {}) => codeOf(collection().updateOne({ _id: 1 }, change, options));
    expect(await update({ $set: { _id: 2 } })).toBe(66);
    expect(await update({ $set: { a: 1, 'a.b': 2 } })).toBe(40);
    expect(await update({ $set: { 'a.b': 2 } })).toBe(28);
    expect(await update({ $push: { a: 1 } })).toBe(2);
    expect(await update({ $frobnicate: { a: 1 } })).toBe(9);
    expect(await update({ $set: { 'list.$[x]': 1 } }, { arrayFilters: [{ x: 1 }] })).toBe(238);
    expect(await codeOf(collection().replaceOne({ _id: 1 }, { _id: 2 }))).toBe(66);
    expect(await collection().findOne()).toEqual({ _id: 1, a: 1, list: [1] });
  });

  it('changes many at once, says how many it changed, and starts an upsert from the filter', async () => {
    await collection().insertMany([1, 2, 3].map((_id) => ({ _id, kind: 'x', n: _id })));
    expect(await collection().updateMany({ kind: 'x' }, { $max: { n: 2 } })).toMatchObject({ matchedCount: 3, modifiedCount: 1 });
    const { upsertedId } = await collection().updateOne({ kind: 'y', 'a.b': 5, n: { $gt: 3 } }, { $set: { c: 1 } }, { upsert: true });
    expect(await collection().findOne({ _id: upsertedId })).toEqual({ _id: upsertedId, kind: 'y', a: { b: 5 }, c: 1 });
    expect((await collection().deleteMany({ kind: 'x' })).deletedCount).toBe(3);
    expect((await collection().deleteOne({})).deletedCount).toBe(1);
  });
});

describe('find and modify', () => {
  it('returns the document before or after, creates, removes, and follows the sort', async () => {
    const take = (options: Document) => collection().findOneAndUpdate({ _id: 'lease' }, { $inc: { epoch: 1 } }, options);
    expect(await take({})).toBeNull();
    expect(await take({ upsert: true })).toBeNull();
    expect(await take({ upsert: true })).toEqual({ _id: 'lease', epoch: 1 });
    expect(await take({ returnDocument: 'after', projection: { _id: 0 } })).toEqual({ epoch: 3 });
    await collection().insertMany([
      { _id: 'x', at: 2 },
      { _id: 'y', at: 1 },
      { _id: 'z', at: 3 },
    ]);
    expect(await collection().findOneAndDelete({ at: { $gt: 0 } }, { sort: { at: -1 } })).toEqual({ _id: 'z', at: 3 });
    expect(await collection().findOneAndReplace({ _id: 'x' }, { at: 9 }, { returnDocument: 'after' })).toEqual({ _id: 'x', at: 9 });
    expect(await collection().findOneAndUpdate({ _id: 'q' }, { $set: { a: 1 } }, { upsert: true, returnDocument: 'after' })).toEqual({
      _id: 'q',
      a: 1,
    });
  });

  it('counts exactly under concurrency', async () => {
    const epochs = await Promise.all(
      Array.from({ length: 200 }, () =>
        collection().findOneAndUpdate({ _id: 'c' }, { $inc: { epoch: 1 } }, { upsert: true, returnDocument: 'after' }),
      ),
    );
    expect(new Set(epochs.map((document) => document!.epoch)).size).toBe(200);
  });
});

describe('reading', () => {
  it('hands out batches through cursors and forgets them when told', async () => {
    await collection().insertMany(Array.from({ length: 1000 }, (_, _id) => ({ _id })));
    expect((await collection().find().batchSize(7).toArray()).map(({ _id }) => _id)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(
      (
        await collection()
          .find({}, { sort: { _id: -1 }, skip: 5, limit: 3, batchSize: 2 })
          .toArray()
      ).map(({ _id }) => _id),
    ).toEqual([994, 993, 992]);
    const opened = await running.db.command({ find: collection().collectionName, batchSize: 1 });
    expect(
      (await running.db.command({ killCursors: collection().collectionName, cursors: [opened.cursor.id] })).cursorsKilled,
    ).toHaveLength(1);
    await expect(running.db.command({ getMore: opened.cursor.id, collection: collection().collectionName })).rejects.toMatchObject({
      code: 43,
    });
    const single = await running.db.command({ find: collection().collectionName, batchSize: 1, singleBatch: true });
    expect(String(single.cursor.id)).toBe('0');
  });

  it('projects, counts, lists distinct values and aggregates', async () => {
    await collection().insertMany([
      { _id: 1, tags: ['a', 'b'], n: 1, sub: { x: 1, y: 2 } },
      { _id: 2, tags: ['b'], n: 5, sub: { x: 3 } },
      { _id: 3, n: 5 },
    ]);
    expect(await collection().findOne({ _id: 1 }, { projection: { 'sub.y': 1, _id: 0 } })).toEqual({ sub: { y: 2 } });
    expect(await collection().findOne({ _id: 1 }, { projection: { sub: 0, tags: 0 } })).toEqual({ _id: 1, n: 1 });
    expect(await collection().findOne({ _id: 1 }, { projection: { tags: { $slice: 1 }, n: 1 } })).toMatchObject({ tags: ['a'], n: 1 });
    expect(await codeOf(collection().findOne({}, { projection: { a: 1, b: 0 } }))).toBe(9);
    expect(await collection().countDocuments({ n: 5 })).toBe(2);
    expect(await collection().estimatedDocumentCount()).toBe(3);
    expect(await collection().distinct('tags')).toEqual(['a', 'b']);
    expect(await collection().distinct('sub.x', { n: 5 })).toEqual([3]);
    const grouped = await collection()
      .aggregate([{ $match: { _id: { $gte: 1 } } }, { $group: { _id: '$n', of: { $sum: 1 } } }, { $sort: { _id: 1 } }])
      .toArray();
    expect(grouped).toEqual([
      { _id: 1, of: 1 },
      { _id: 5, of: 2 },
    ]);
    const joined = await collection()
      .aggregate([
        { $match: { _id: 3 } },
        { $lookup: { from: collection().collectionName, localField: 'n', foreignField: 'n', as: 'same' } },
      ])
      .toArray();
    expect((joined[0]!.same as unknown[]).length).toBe(2);
    expect(
      await codeOf(
        collection()
          .aggregate([{ $out: 'x' }])
          .toArray(),
      ),
    ).toBe(238);
    expect(
      await codeOf(
        collection()
          .find({ a: { $near: [1, 1] } })
          .toArray(),
      ),
    ).toBe(2);
    expect(
      await collection()
        .find({}, { readConcern: { level: 'majority' } })
        .toArray(),
    ).toHaveLength(3);
  });

  it('refuses to sort more than it may hold', async () => {
    const blob = Buffer.alloc(1 << 20);
    for (let i = 0; i < 6; i++) await collection().insertMany(Array.from({ length: 18 }, (_, j) => ({ _id: i * 100 + j, n: j, blob })));
    expect(await codeOf(collection().find().sort({ n: 1 }).toArray())).toBe(292);
    expect((await collection().find().sort({ n: -1 }).limit(2).project({ n: 1 }).toArray()).map(({ n }) => n as number)).toEqual([17, 17]);
    await collection().createIndex({ n: 1 });
    expect(await collection().find().sort({ n: 1 }).project({ n: 1 }).toArray()).toHaveLength(108);
    await collection().drop();
  });
});

describe('indexes and collections', () => {
  it('keeps a unique index through inserts, updates and deletes', async () => {
    expect(await collection().createIndex({ email: 1, shop: 1 }, { unique: true })).toBe('email_1_shop_1');
    await collection().insertMany([
      { _id: 1, email: 'a', shop: 1 },
      { _id: 2, email: 'a', shop: 2 },
    ]);
    await expect(collection().insertOne({ _id: 3, email: 'a', shop: 2 })).rejects.toMatchObject({
      code: 11000,
      keyPattern: { email: 1, shop: 1 },
      keyValue: { email: 'a', shop: 2 },
    });
    expect(await codeOf(collection().updateOne({ _id: 1 }, { $set: { shop: 2 } }))).toBe(11000);
    await collection().deleteOne({ _id: 2 });
    await collection().updateOne({ _id: 1 }, { $set: { shop: 2 } });
    expect(await codeOf(collection().insertOne({ _id: 4, email: 'a', shop: 1 }))).toBeUndefined();
    expect((await collection().find({ email: 'a' }).toArray()).map(({ _id }) => _id)).toEqual([4, 1]);
  });

  it('builds nothing when existing documents break the uniqueness', async () => {
    await collection().insertMany([
      { _id: 1, a: 1 },
      { _id: 2, a: 1 },
    ]);
    expect(await codeOf(collection().createIndex({ a: 1 }, { unique: true }))).toBe(11000);
    expect(await collection().indexes()).toHaveLength(1);
    await collection().createIndex({ a: 1 });
    expect(await codeOf(collection().createIndex({ a: 1 }, { unique: true }))).toBe(85);
    expect(await codeOf(collection().createIndex({ b: 1 }, { sparse: true }))).toBe(67);
    expect(await codeOf(collection().createIndex({ b: 1 }, { partialFilterExpression: { b: 1 } }))).toBe(67);
    await collection().dropIndex('a_1');
    expect(await codeOf(collection().dropIndex('a_1'))).toBe(27);
    expect(await collection().find({ a: 1 }).toArray()).toHaveLength(2);
  });

  it('removes documents when their time is over', async () => {
    await collection().createIndex({ at: 1 }, { expireAfterSeconds: 3600 });
    await collection().insertMany([
      { _id: 'old', at: new Date(Date.now() - 7_200_000) },
      { _id: 'new', at: new Date() },
      { _id: 'text', at: 'no date' },
    ]);
    const deadline = Date.now() + 5000;
    while ((await collection().countDocuments()) > 2 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await collection().find().toArray()).map(({ _id }) => _id).sort()).toEqual(['new', 'text']);
  });

  it('creates, lists and drops', async () => {
    const db = running.client.db('other');
    await db.createCollection('one');
    await expect(db.createCollection('one')).rejects.toMatchObject({ code: 48 });
    await db.collection('two').insertOne({ a: 1 });
    expect((await db.listCollections().toArray()).map(({ name }) => name)).toEqual(['one', 'two']);
    expect((await db.listCollections({ name: 'two' }, { nameOnly: true }).toArray()).map(({ name }) => name)).toEqual(['two']);
    expect((await db.admin().listDatabases({ nameOnly: true })).databases.map(({ name }) => name)).toContain('other');
    await db.collection('two').drop();
    expect(await db.collection('two').countDocuments()).toBe(0);
    await db.dropDatabase();
    expect(await db.listCollections().toArray()).toEqual([]);
    expect(await codeOf(db.command({ listIndexes: 'two' }))).toBe(26);
    expect(await codeOf(db.command({ insert: 'a$b', documents: [{ a: 1 }] }))).toBe(73);
  });
});

describe('unacknowledged writes', () => {
  it('are seen by the next read on the same connection', async () => {
    const client = await new MongoClient(running.server.connectionString, { maxPoolSize: 1 }).connect();
    const target = client.db('shop').collection<Document & { _id: unknown }>('unacknowledged');
    await target.insertOne({ _id: 1 }, { writeConcern: { w: 0 } });
    expect(await target.countDocuments()).toBe(1);
    await client.close();
  });
});
