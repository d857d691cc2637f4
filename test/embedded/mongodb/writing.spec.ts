import { Binary, Decimal128, Double, Int32, Long, ObjectId, Timestamp, type Document } from 'mongodb';
import { codeOf, runningForAll } from './running-server';

const running = runningForAll({ ttlIntervalMs: 50 });
const collection = (name?: string) => running().collection(name);

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
