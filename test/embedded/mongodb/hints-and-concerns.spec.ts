import { MongoBulkWriteError, MongoServerError, type Document } from 'mongodb';
import { codeOf, runningForAll } from './running-server';

const running = runningForAll();

const refused = {
  name: 'MongoServerError',
  code: 2,
  message: expect.stringMatching(
    /^error processing query: ns=shop\.\w+ planner returned error :: caused by :: hint provided does not correspond to an existing index$/,
  ),
};

let nth = 0;

/** One document in a collection of its own, with an index on `a` downwards and `b`. */
async function given() {
  const target = running().collection(`given_${++nth}`);
  await target.createIndex({ a: -1, b: 1 }, { name: 'by_a' });
  await target.insertOne({ _id: 1, a: 1 });
  return target;
}

describe('a hint', () => {
  const unknown = [
    ['a name no index has', 'by_b'],
    ['a name of what is no index', '$natural'],
    ['a field without an index', { b: 1 }],
    ['the other direction', { a: 1, b: 1 }],
    ['a part of the fields', { a: -1 }],
    ['the fields in another order', { b: 1, a: -1 }],
    ['more than the fields', { a: -1, b: 1, c: 1 }],
    ['a direction that is none', { a: -1, b: 'up' }],
    ['the order as stored, and more', { $natural: 1, a: 1 }],
  ] as const;

  it.each(unknown)('with %s is refused where documents are read', async (_what, hint: string | Document) => {
    const target = await given();
    await expect(target.find({ a: 1 }, { hint }).toArray()).rejects.toMatchObject({ ...refused, codeName: 'BadValue' });
    await expect(target.find({ _id: 1 }, { hint }).toArray()).rejects.toMatchObject(refused);
    await expect(target.find({ a: 1 }, { hint }).explain()).rejects.toMatchObject(refused);
    await expect(target.aggregate([{ $match: { a: 1 } }], { hint }).toArray()).rejects.toMatchObject(refused);
    await expect(target.aggregate([{ $group: { _id: '$a' } }], { hint }).toArray()).rejects.toMatchObject(refused);
    await expect(target.countDocuments({}, { hint })).rejects.toMatchObject(refused);
    await expect(running().db.command({ count: target.collectionName, hint })).rejects.toMatchObject(refused);
    await expect(running().db.command({ distinct: target.collectionName, key: 'a', hint })).rejects.toMatchObject(refused);
  });

  it.each(unknown)('with %s is refused where documents are changed, and nothing is', async (_what, hint: string | Document) => {
    const target = await given();
    const change = { $set: { a: 2 } };
    await expect(target.updateOne({ _id: 1 }, change, { hint })).rejects.toMatchObject(refused);
    await expect(target.updateMany({ a: 1 }, change, { hint })).rejects.toMatchObject(refused);
    await expect(target.updateOne({ a: 9 }, change, { hint, upsert: true })).rejects.toMatchObject(refused);
    await expect(target.deleteOne({ _id: 1 }, { hint })).rejects.toMatchObject(refused);
    await expect(target.deleteMany({ a: 1 }, { hint })).rejects.toMatchObject(refused);
    await expect(target.findOneAndUpdate({ a: 1 }, change, { hint: hint as Document })).rejects.toMatchObject({
      ...refused,
      codeName: 'BadValue',
    });
    await expect(target.findOneAndDelete({ a: 1 }, { hint: hint as Document })).rejects.toMatchObject(refused);
    expect(await target.find().toArray()).toEqual([{ _id: 1, a: 1 }]);
  });

  it.each(['by_a', { a: -1, b: 1 }, '_id_', { _id: 1 }, { $natural: 1 }, {}])('with %j finds and changes as without', async (hint) => {
    const target = await given();
    expect(await target.find({ a: 1 }, { hint }).toArray()).toEqual([{ _id: 1, a: 1 }]);
    expect(await target.aggregate([{ $match: { a: 1 } }], { hint }).toArray()).toEqual([{ _id: 1, a: 1 }]);
    expect(await target.countDocuments({ a: 1 }, { hint })).toBe(1);
    expect(await target.updateOne({ a: 1 }, { $set: { a: 2 } }, { hint })).toMatchObject({ modifiedCount: 1 });
    expect(await target.findOneAndUpdate({ a: 2 }, { $set: { a: 3 } }, { hint: hint as Document })).toEqual({ _id: 1, a: 2 });
    expect(await target.updateOne({ a: 4 }, { $set: { b: 1 } }, { hint, upsert: true })).toMatchObject({ upsertedCount: 1 });
    expect(await target.deleteMany({}, { hint })).toMatchObject({ deletedCount: 2 });
  });

  it('stops an ordered batch at its statement, and no unordered one', async () => {
    const target = await given();
    const set = (a: number, hint?: string) => ({ updateOne: { filter: { _id: 1 }, update: { $set: { a } }, ...(hint && { hint }) } });
    const batch = [set(2), set(3, 'by_b'), set(4)];
    const error = await target.bulkWrite(batch).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MongoBulkWriteError);
    expect((error as MongoBulkWriteError).writeErrors).toMatchObject([{ index: 1, code: 2, errmsg: refused.message }]);
    expect(await target.findOne()).toEqual({ _id: 1, a: 2 });
    expect(await codeOf(target.bulkWrite(batch, { ordered: false }))).toBe(2);
    expect(await target.findOne()).toEqual({ _id: 1, a: 4 });
  });

  it('is looked at only where there is a collection, or one comes into being', async () => {
    const target = running().collection();
    expect(await target.find({}, { hint: 'by_a' }).toArray()).toEqual([]);
    expect(await target.countDocuments({}, { hint: 'by_a' })).toBe(0);
    expect(await target.updateOne({}, { $set: { a: 1 } }, { hint: 'by_a' })).toMatchObject({ matchedCount: 0 });
    expect(await target.deleteOne({}, { hint: 'by_a' })).toMatchObject({ deletedCount: 0 });
    await expect(target.updateOne({}, { $set: { a: 1 } }, { hint: 'by_a', upsert: true })).rejects.toMatchObject(refused);
    await expect(target.findOneAndUpdate({}, { $set: { a: 1 } }, { hint: { a: -1 }, upsert: true })).rejects.toMatchObject(refused);
    expect(await target.countDocuments()).toBe(0);
  });

  it('is a name or fields, and the order of what is stored only forwards', async () => {
    const target = await given();
    const find = (hint: unknown) => running().db.command({ find: target.collectionName, hint });
    await expect(find(7)).rejects.toMatchObject({ code: 9, message: 'Hint must be either a string or nested object' });
    expect(await codeOf(find({ $natural: -1 }))).toBe(238);
  });
});

describe('a write concern', () => {
  const writes = [
    ['insert', () => ({ documents: [{ _id: 2 }] })],
    ['update', () => ({ updates: [{ q: { _id: 1 }, u: { $set: { a: 2 } } }] })],
    ['delete', () => ({ deletes: [{ q: { _id: 1 }, limit: 1 }] })],
    ['findAndModify', () => ({ query: { _id: 1 }, update: { $set: { a: 2 } } })],
    ['createIndexes', () => ({ indexes: [{ key: { c: 1 }, name: 'by_c' }] })],
    ['drop', () => ({})],
  ] as const;

  it.each(writes)('of more nodes than there are is refused by %s, and nothing is written', async (name, rest) => {
    const target = await given();
    for (const [w, message] of [
      [2, "cannot use 'w' > 1 when a host is not replicated"],
      ['two', 'cannot use non-majority \'w\' mode "two" when a host is not a member of a replica set'],
    ] as const) {
      const written = running().db.command({ [name]: target.collectionName, ...rest(), writeConcern: { w } });
      await expect(written).rejects.toMatchObject({ name: MongoServerError.name, code: 2, codeName: 'BadValue', message });
    }
    expect(await target.find().toArray()).toEqual([{ _id: 1, a: 1 }]);
    expect((await target.indexes()).map((index) => index.name)).toEqual(['_id_', 'by_a']);
  });

  it('reaches the server from the options of the driver', async () => {
    const target = await given();
    await expect(target.insertOne({ _id: 2 }, { writeConcern: { w: 2 } })).rejects.toMatchObject({ code: 2 });
    await expect(target.updateOne({}, { $set: { a: 2 } }, { writeConcern: { w: 3 } })).rejects.toMatchObject({ code: 2 });
    await expect(target.bulkWrite([{ deleteOne: { filter: {} } }], { writeConcern: { w: 2 } })).rejects.toMatchObject({ code: 2 });
    expect(await target.find().toArray()).toEqual([{ _id: 1, a: 1 }]);
  });

  it.each([{ w: 1 }, { w: 'majority' as const }, { w: 'majority' as const, j: true, wtimeoutMS: 1_000 }, { journal: true }])(
    'that one node meets is met: %j',
    async (writeConcern) => {
      const target = await given();
      expect(await target.insertOne({ _id: 2 }, { writeConcern })).toMatchObject({ acknowledged: true });
      expect(await target.countDocuments()).toBe(2);
    },
  );
});
