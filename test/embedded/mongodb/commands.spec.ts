import { connect } from 'node:net';
import { once } from 'node:events';
import { Decimal128, Long, MongoClient, type Document } from 'mongodb';
import { codeOf, runningForAll } from './running-server';

const running = runningForAll({ ttlIntervalMs: 50 });
const collection = (name?: string) => running().collection(name);

describe('a client that connects', () => {
  it('sees a standalone server it can talk to', async () => {
    const hello = await running().db.command({ hello: 1 });
    expect(hello).toMatchObject({ isWritablePrimary: true, maxBsonObjectSize: 16777216, maxWriteBatchSize: 100000, ok: 1 });
    expect(hello.setName).toBeUndefined();
    expect(await running().db.command({ ping: 1 })).toEqual({ ok: 1 });
    expect((await running().db.admin().buildInfo()).version).toMatch(/^7\./);
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
      expect((await running().client.db('admin').command(command)).ok).toBe(1);
    }
  });

  it('is told that a command does not exist', async () => {
    await expect(running().db.command({ fly: 1 })).rejects.toMatchObject({ code: 59, codeName: 'CommandNotFound' });
  });

  it('is refused a transaction clearly', async () => {
    const session = running().client.startSession();
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
      const socket = connect(running().server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(garbage);
      await once(socket, 'close');
    }
    expect(await running().db.command({ ping: 1 })).toEqual({ ok: 1 });
  });

  it('gets InvalidBSON for a document that is none, and the connection goes on', async () => {
    const socket = connect(running().server.port, '127.0.0.1');
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
    const opened = await running().db.command({ find: collection().collectionName, batchSize: 1 });
    expect(
      (await running().db.command({ killCursors: collection().collectionName, cursors: [opened.cursor.id] })).cursorsKilled,
    ).toHaveLength(1);
    await expect(running().db.command({ getMore: opened.cursor.id, collection: collection().collectionName })).rejects.toMatchObject({
      code: 43,
    });
    const single = await running().db.command({ find: collection().collectionName, batchSize: 1, singleBatch: true });
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

  it('computes with no number that it cannot hold exactly: it passes it on as it is, or says so', async () => {
    const [beyond, price] = [Long.fromString('9007199254740993'), Decimal128.fromString('1.10')];
    await collection().insertMany([
      { _id: 1, beyond, lines: [{ price }], n: 1 },
      { _id: 2, beyond, lines: [{ price }], n: Long.fromNumber(2) },
    ]);
    const run = (...pipeline: Document[]) => collection().aggregate(pipeline, { promoteLongs: false, promoteValues: false }).toArray();
    for (const pipeline of [
      [{ $group: { _id: null, sum: { $sum: '$beyond' } } }],
      [{ $unwind: '$lines' }, { $group: { _id: null, sum: { $sum: '$lines.price' } } }],
      [{ $addFields: { more: { $gt: ['$beyond', 1] } } }],
      [{ $group: { _id: '$n', first: { $first: '$$ROOT' } } }],
      [
        { $lookup: { from: collection().collectionName, localField: 'n', foreignField: 'n', as: 'same' } },
        { $match: { 'same.beyond': 1 } },
      ],
    ]) {
      const refused = run(...pipeline);
      expect(Number(await codeOf(refused))).toBe(238);
      await expect(refused).rejects.toThrow(/aggregations over (integers beyond 2\^53|Decimal128 values) .*'(beyond|lines)'/);
    }
    expect(String((await run({ $group: { _id: null, sum: { $sum: '$n' } } }))[0]!.sum)).toBe('3');
    const [passed] = await run({ $match: { beyond } }, { $addFields: { more: { $add: ['$n', 1] } } });
    expect([String(passed!.beyond), String((passed!.lines as { price: Decimal128 }[])[0]!.price), Number(passed!.more)]).toEqual([
      '9007199254740993',
      '1.10',
      2,
    ]);
    expect(await run({ $match: { beyond } }, { $count: 'of' })).toHaveLength(1);
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
    const db = running().client.db('other');
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
    const client = await new MongoClient(running().server.connectionString, { maxPoolSize: 1 }).connect();
    const target = client.db('shop').collection<Document & { _id: unknown }>('unacknowledged');
    await target.insertOne({ _id: 1 }, { writeConcern: { w: 0 } });
    expect(await target.countDocuments()).toBe(1);
    await client.close();
  });
});
