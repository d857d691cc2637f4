import fc from 'fast-check';
import { Query } from 'mingo';
import { Decimal128, Double, Int32, Long, type Document, type Sort } from 'mongodb';
import { encodeValue } from '../../../src/embedded/mongodb/bson/key-codec';
import { compareValues } from '../../../src/embedded/mongodb/bson/compare';
import { toRawValue } from '../../../src/embedded/mongodb/bson/values';
import { runningForAll } from './running-server';

type Row = Document & { _id: string };

const running = runningForAll();

const scalar = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom('', 'a', 'ab', 'b', 'ä'),
  fc.boolean(),
  fc.date({ min: new Date(-3), max: new Date(3), noInvalidDate: true }),
);
const fieldValue = fc.oneof({ weight: 5, arbitrary: scalar }, { weight: 1, arbitrary: fc.array(scalar, { minLength: 1, maxLength: 3 }) });
const rowsOf = fc.uniqueArray(
  fc.record(
    {
      _id: fc.string({ unit: fc.constantFrom('a', 'b', 'c', '|'), minLength: 1, maxLength: 4 }),
      a: fieldValue,
      b: scalar,
      c: fc.record({ d: fieldValue }),
    },
    { requiredKeys: ['_id'] },
  ),
  { selector: ({ _id }) => _id, maxLength: 40 },
) as fc.Arbitrary<Row[]>;

const condition = fc.oneof(
  scalar,
  fc.tuple(fc.constantFrom('$eq', '$gt', '$gte', '$lt', '$lte', '$ne'), scalar).map(([operator, value]) => ({ [operator]: value })),
  fc.tuple(scalar, scalar).map(([low, high]) => ({ $gte: low, $lt: high })),
  fc.array(scalar, { maxLength: 4 }).map((values) => ({ $in: values })),
  fc.array(scalar, { maxLength: 2 }).map((values) => ({ $nin: values })),
  fc.boolean().map((exists) => ({ $exists: exists })),
  scalar.map((value) => ({ $not: { $gt: value } })),
);
const idText = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '|'), maxLength: 3 });
const idCondition = fc.oneof(
  idText,
  fc.tuple(idText, idText).map(([from, to]) => ({ $gte: from, $lt: to })),
  fc.tuple(idText, idText).map(([from, to]) => ({ $gt: from, $lte: to })),
  fc.array(idText, { maxLength: 4 }).map((ids) => ({ $in: ids })),
);
const clause = fc.record({ _id: idCondition, a: condition, b: condition, 'c.d': condition }, { requiredKeys: [] });
const filterOf = fc.oneof(
  { weight: 4, arbitrary: clause },
  { weight: 1, arbitrary: fc.array(clause, { minLength: 1, maxLength: 2 }).map((clauses) => ({ $or: clauses })) },
  { weight: 1, arbitrary: fc.array(clause, { minLength: 1, maxLength: 2 }).map((clauses) => ({ $and: clauses })) },
) as fc.Arbitrary<Document>;

const indexes: Document[] = [{ a: 1 }, { a: -1, b: 1 }, { b: 1, a: 1 }, { 'c.d': 1 }, { b: -1, _id: 1 }];

async function filled(rows: Row[], withIndexes: Document[]) {
  const collection = running().db.collection<Row>('rows');
  await collection.drop().catch(() => undefined);
  for (const key of withIndexes) await collection.createIndex(key);
  if (rows.length > 0) await collection.insertMany(rows);
  return collection;
}

const ids = (rows: Document[]) => rows.map(({ _id }) => _id as string);
const byBytes = (a: string, b: string) => Buffer.from(a).compare(Buffer.from(b));

describe('finding', () => {
  it('gives the same documents with any indexes as testing each one with mingo', async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf, fc.subarray(indexes), fc.array(filterOf, { minLength: 4, maxLength: 8 }), async (rows, chosen, filters) => {
        const collection = await filled(rows, chosen);
        for (const filter of filters) {
          const query = new Query(filter);
          const expected = ids(rows.filter((row) => query.test(row))).sort(byBytes);
          expect(ids(await collection.find(filter).toArray()).sort(byBytes)).toEqual(expected);
          expect(await collection.countDocuments(filter)).toBe(expected.length);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('gives the same order with an index as without, in batches, with skip and limit', async () => {
    const sortOf = fc.constantFrom<Document>(
      { a: 1 },
      { a: -1 },
      { b: 1, a: 1 },
      { b: -1, a: -1 },
      { a: 1, b: -1 },
      { _id: -1 },
      { b: -1, _id: 1 },
    );
    const plainRows = rowsOf.map((rows) =>
      rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => !Array.isArray(value))) as Row),
    );
    await fc.assert(
      fc.asyncProperty(
        plainRows,
        fc.subarray(indexes),
        sortOf,
        clause,
        fc.nat(5),
        fc.nat(10),
        async (rows, chosen, sort, filter, skip, limit) => {
          const total: Sort = sort._id === undefined ? { ...sort, _id: 1 } : sort;
          const plain = await (await filled(rows, [])).find(filter).sort(total).toArray();
          const collection = await filled(rows, chosen);
          expect(ids(await collection.find(filter).sort(total).batchSize(3).toArray())).toEqual(ids(plain));
          expect(ids(await collection.find(filter).sort(total).skip(skip).limit(limit).toArray())).toEqual(
            ids(plain.slice(skip, limit === 0 ? undefined : skip + limit)),
          );
          const loosely = await collection.find(filter).sort(sort).project({ _id: 0, a: 1, b: 1 }).toArray();
          const keys = Object.keys(sort).filter((key) => key !== '_id');
          const shown = (documents: Document[]) => documents.map((document) => keys.map((key) => document[key] as unknown));
          if (keys.length > 0) expect(shown(loosely)).toEqual(shown(plain));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('keeps indexes right through random updates, replacements and deletes', async () => {
    const step = fc.oneof(
      fc.tuple(fc.constant('set' as const), clause, fieldValue),
      fc.tuple(fc.constant('replace' as const), clause, scalar),
      fc.tuple(fc.constant('delete' as const), clause, fieldValue),
    );
    await fc.assert(
      fc.asyncProperty(
        rowsOf,
        fc.array(step, { maxLength: 6 }),
        fc.array(clause, { minLength: 3, maxLength: 5 }),
        async (rows, steps, filters) => {
          const collection = await filled(rows, indexes);
          for (const [kind, filter, value] of steps) {
            if (kind === 'set') await collection.updateMany(filter as Document, { $set: { a: value }, $unset: { 'c.d': '' } });
            else if (kind === 'replace') await collection.replaceOne(filter as Document, { b: value } as never);
            else await collection.deleteOne(filter as Document);
          }
          const stored = await collection.find().toArray();
          for (const filter of filters) {
            const query = new Query(filter as Document);
            expect(ids(await collection.find(filter as Document).toArray()).sort(byBytes)).toEqual(
              ids(stored.filter((row) => query.test(row))).sort(byBytes),
            );
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it('walks an index when one serves, and says so', async () => {
    const collection = await filled([{ _id: 'x', a: 1, b: 2 }], [{ a: 1, b: -1 }]);
    const plan = async (filter: Document, sort: Document = {}) =>
      (
        (await collection
          .find(filter)
          .sort(sort as never)
          .explain()) as Document
      ).queryPlanner.winningPlan as Document;
    expect(await plan({ a: 1 }, { b: -1 })).toMatchObject({ stage: 'IXSCAN', indexName: 'a_1_b_-1', sorted: true });
    expect(await plan({ a: 1 }, { b: 1 })).toMatchObject({ stage: 'IXSCAN', sorted: true });
    expect(await plan({ b: 1 })).toMatchObject({ stage: 'COLLSCAN' });
    expect(await plan({ _id: { $in: ['x', 'y'] } })).toMatchObject({ stage: 'IDHACK', keys: 2 });
    expect(await plan({}, { a: -1, b: 1 })).toMatchObject({ stage: 'IXSCAN', sorted: true });
  });
});

describe('a key', () => {
  const number = fc.oneof(
    fc.double().map((value) => new Double(value)),
    fc.integer().map((value) => new Int32(value)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => Long.fromBigInt(value)),
    fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)).map((value) => Long.fromBigInt(value)),
    fc
      .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: -40, max: 40 }))
      .map(([digits, exponent]) => Decimal128.fromString(`${digits}E${exponent}`)),
  );

  /** Each as digits times a power of ten, exactly. */
  const exactly = (value: { toString(): string }): [bigint, number] => {
    if (value instanceof Double) {
      const scaled = BigInt(Math.trunc(value.value)) === BigInt(0) || !Number.isInteger(value.value) ? undefined : BigInt(value.value);
      if (scaled !== undefined) return [scaled, 0];
      const text = value.value.toFixed(0) === '0' && value.value === 0 ? '0' : exactDecimal(value.value);
      const [whole = '0', fraction = ''] = text.split('.');
      return [BigInt(`${whole}${fraction}`), -fraction.length];
    }
    const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)\.?(\d*)(?:E([+-]?\d+))?$/i.exec(value.toString())!;
    return [BigInt(`${sign}${whole}${fraction}`), Number(exponent) - fraction.length];
  };
  /** A double's exact decimal expansion. */
  const exactDecimal = (value: number): string => {
    const negative = value < 0;
    let magnitude = Math.abs(value);
    let shift = 0;
    while (!Number.isInteger(magnitude)) {
      magnitude *= 2;
      shift++;
    }
    const digits = (BigInt(magnitude) * 5n ** BigInt(shift)).toString().padStart(shift + 1, '0');
    return `${negative ? '-' : ''}${digits.slice(0, digits.length - shift)}.${digits.slice(digits.length - shift)}`;
  };
  const order = (a: { toString(): string }, b: { toString(): string }): number => {
    const [x, xe] = exactly(a);
    const [y, ye] = exactly(b);
    const low = Math.min(xe, ye);
    const difference = x * 10n ** BigInt(xe - low) - y * 10n ** BigInt(ye - low);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  };
  const finite = number.filter(
    (value) => !(value instanceof Double) || (Number.isFinite(value.value) && (value.value === 0 || Math.abs(value.value) > 1e-250)),
  );

  it('orders numbers of all four types by their exact values', () => {
    fc.assert(
      fc.property(finite, finite, (a, b) => {
        const expected = order(a, b);
        expect(Math.sign(encodeValue(toRawValue(a)).compare(encodeValue(toRawValue(b))))).toBe(expected);
        expect(Math.sign(compareValues(toRawValue(a), toRawValue(b)))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('orders values of different types as MongoDB does', () => {
    const inOrder = [
      null,
      new Double(NaN),
      -Infinity,
      -1,
      0,
      1.5,
      Infinity,
      '',
      'a',
      'a\0',
      'a\0b',
      'aa',
      'b',
      {},
      { a: 1 },
      { a: 2 },
      { b: 0 },
      { a: 'x' },
      [],
      [1],
      false,
      true,
      new Date(-1),
      new Date(0),
    ];
    const keys = inOrder.map((value) => encodeValue(toRawValue(value)));
    for (let i = 1; i < keys.length; i++) expect([i, keys[i - 1]!.compare(keys[i]!)]).toEqual([i, -1]);
  });
});
