import fc from 'fast-check';
import type { AcceptedEvent } from '../../src/domain/columns';
import { hash64 } from '../../src/domain/hash64';
import { blockRecordId, BlockUnreadable, decodeBlock, decodeBlockRows, encodeBlock, readBlockHeader } from '../../src/stores/block';
import { crc32c } from '../../src/stores/crc32c';
import { rows as rowsOfVersion1, sealed as sealedInVersion1 } from './block-v1.fixture';

const pageView = (change: Partial<AcceptedEvent> = {}): AcceptedEvent => ({
  merchantId: 'shop',
  id: 'e1',
  time: 1_760_000_000_000,
  receivedAt: 1_760_000_000_250,
  name: 'page_view',
  visitorId: 'v1',
  ...change,
});

const hexDigits = fc.constantFrom(...'0123456789abcdef');
const hex = (length: number) => fc.array(hexDigits, { minLength: length, maxLength: length }).map((digits) => digits.join(''));
const uuid = fc.tuple(hex(8), hex(4), hex(4), hex(4), hex(12)).map((groups) => groups.join('-'));
const identifier = fc.oneof(
  hex(32),
  hex(16),
  hex(18),
  hex(64),
  uuid,
  uuid.map((id) => id.toUpperCase()),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 70 }),
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.constantFrom('a', 'b', 'über', '価格', '\ud800', '👩‍🚀'),
);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const moment = fc.oneof(
  fc.integer({ min: 1_760_000_000_000, max: 1_760_000_100_000 }),
  fc.integer({ min: -8.64e15, max: 8.64e15 }),
  fc.constant(1_760_000_000_000.5),
);
const item = fc.record(
  { itemId: identifier, name: text, brand: text, category: text, variant: text, price: finite, quantity: fc.integer(), coupon: text },
  { requiredKeys: ['itemId'] },
);
const event: fc.Arbitrary<AcceptedEvent> = fc.record(
  {
    merchantId: text,
    id: identifier,
    time: moment,
    receivedAt: fc.oneof(fc.constant(1_760_000_000_000), moment),
    name: text,
    visitorId: identifier,
    userId: identifier,
    sessionId: identifier,
    url: text,
    title: text,
    referrer: text,
    userAgent: text,
    country: fc.constantFrom('DE', 'US'),
    language: text,
    screen: text,
    value: finite,
    currency: fc.constantFrom('EUR', 'JPY'),
    items: fc.array(item, { maxLength: 4 }),
    transactionId: identifier,
    coupon: text,
    tax: finite,
    shipping: finite,
    properties: fc.dictionary(text, fc.oneof(text, finite, fc.boolean()), { maxKeys: 4 }),
  },
  { requiredKeys: ['merchantId', 'id', 'time', 'receivedAt', 'name', 'visitorId'] },
);

describe('a block of events', () => {
  it('gives back every event exactly, whatever its fields hold and whichever are absent', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 40 }), (rows) => {
        expect(decodeBlockRows(encodeBlock(rows))).toEqual(rows);
      }),
      { numRuns: 300 },
    );
  });

  it('is the same bytes for the same events, so its record id is too', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 10 }), (rows) => {
        expect(blockRecordId(encodeBlock(structuredClone(rows)))).toBe(blockRecordId(encodeBlock(rows)));
      }),
    );
    expect(blockRecordId(encodeBlock([pageView()]))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(blockRecordId(encodeBlock([pageView()]))).not.toBe(blockRecordId(encodeBlock([pageView({ id: 'e2' })])));
  });

  it('hashes ids as hash64 does, packed or not', () => {
    fc.assert(
      fc.property(fc.array(identifier, { minLength: 1, maxLength: 30 }), (ids) => {
        const { hi, lo } = decodeBlock(encodeBlock(ids.map((id) => pageView({ id })))).idHashes();
        const wanted = { hi: new Uint32Array(ids.length), lo: new Uint32Array(ids.length) };
        ids.forEach((id, i) => hash64(id, wanted.hi, wanted.lo, i));
        expect({ hi, lo }).toEqual(wanted);
      }),
      { numRuns: 300 },
    );
  });

  it('gives dictionary codes in order of first appearance, 0 meaning absent', () => {
    const columns = decodeBlock(
      encodeBlock(['b', undefined, 'a', 'b', ''].map((url, i) => pageView({ id: `e${i}`, ...(url === undefined ? {} : { url }) }))),
    );
    expect(columns.text.url.values).toEqual(['', 'b', 'a']);
    expect([...columns.text.url.codes]).toEqual([1, 0, 2, 1, 0]);
    expect([...columns.text.coupon.codes]).toEqual([0, 0, 0, 0, 0]);
    expect(columns.text.coupon.values).toEqual(['']);
    expect(columns.numbers.tax).toBeUndefined();
  });

  it('leaves NaN where a numeric field is absent', () => {
    const columns = decodeBlock(encodeBlock([pageView(), pageView({ id: 'e2', value: 19.99 })]));
    expect([...columns.numbers.value!]).toEqual([NaN, 19.99]);
  });

  it.each([255, 256, 257, 65_535, 65_536, 70_000])('holds a column of %i different values', (distinct) => {
    const rows = Array.from({ length: distinct + 5 }, (_, i) => pageView({ id: `e${i}`, visitorId: `v${i % distinct}` }));
    const { codes, values } = decodeBlock(encodeBlock(rows)).text.visitorId;
    expect(values).toHaveLength(distinct + 1);
    expect(codes).toBeInstanceOf(distinct > 65_535 ? Uint32Array : Uint16Array);
    for (const row of [0, 1, distinct - 1, distinct, distinct + 4]) expect(values[codes[row]!]).toBe(`v${row % distinct}`);
  });

  it('tells its size and times without being decoded', () => {
    const rows = [5, 3, 9].map((second, i) => pageView({ id: `e${i}`, time: second * 1_000 }));
    expect(readBlockHeader(encodeBlock(rows))).toMatchObject({ version: 1, count: 3, firstTime: 3_000, lastTime: 9_000 });
  });

  it('decodes from the middle of a larger buffer, as the log hands it over', () => {
    const block = encodeBlock([pageView({ items: [{ itemId: 'x' }], properties: { a: 1 } })]);
    const larger = new Uint8Array(block.length + 20).fill(7);
    larger.set(block, 11);
    expect(decodeBlockRows(larger.subarray(11, 11 + block.length))).toEqual(decodeBlockRows(block));
  });

  it('refuses to seal what it could not give back', () => {
    expect(() => encodeBlock([])).toThrow(RangeError);
    expect(() => encodeBlock([pageView({ value: NaN })])).toThrow('value must be finite');
    expect(() => encodeBlock([pageView({ time: Infinity })])).toThrow('time must be finite');
    expect(() => encodeBlock([pageView({ receivedAt: NaN })])).toThrow('receipt must be finite');
  });
});

describe('a damaged block', () => {
  const rows = Array.from({ length: 60 }, (_, i) =>
    pageView({ id: i.toString(16).padStart(32, '0'), url: `/p/${i % 7}`, time: 1_760_000_000_000 + i }),
  );
  const block = encodeBlock(rows);
  const faultOf = (bytes: Uint8Array): string => {
    try {
      decodeBlock(bytes);
    } catch (error) {
      if (error instanceof BlockUnreadable) return error.fault;
      throw error;
    }
    return 'none';
  };
  const changed = (at: number, value: number): Uint8Array => {
    const copy = Uint8Array.from(block);
    copy[at] = value;
    return copy;
  };

  it('is noticed whichever byte changed', () => {
    for (let at = 0; at < block.length; at++) expect(faultOf(changed(at, block[at]! ^ (1 << (at % 8))))).not.toBe('none');
  });

  it('is noticed wherever it was cut, and when something follows it', () => {
    for (let length = 0; length < block.length; length++) expect(faultOf(block.subarray(0, length))).toBe('truncated');
    expect(faultOf(Buffer.concat([block, Buffer.from([0])]))).toBe('corrupt');
  });

  it('says what is wrong', () => {
    expect(faultOf(Buffer.from('{"events":[]}'))).toBe('not-a-block');
    expect(faultOf(changed(4, 2))).toBe('unknown-version');
    expect(faultOf(changed(5, 9))).toBe('unknown-codec');
    expect(faultOf(changed(block.length - 1, block.at(-1)! ^ 1))).toBe('corrupt');
    expect(() => decodeBlock(changed(4, 2))).toThrow('version 2, this program reads version 1');
  });

  it('cannot make the reader allocate more than a block may hold', () => {
    const bomb = Buffer.from(block);
    bomb.writeUInt32LE(0xffffffff, 32);
    expect(faultOf(bomb)).toBe('too-large');
    bomb.writeUInt32LE(0xffffffff, 12);
    expect(faultOf(bomb)).toBe('too-large');
  });

  it('is unreadable when it unpacks to more than it announced, though its checksum is right', () => {
    const liar = Buffer.from(block);
    liar.writeUInt32LE(readBlockHeader(block).rawBytes - 1, 32);
    liar.writeUInt32LE(crc32c(liar, 12, liar.length, crc32c(liar, 0, 8)), 8);
    expect(faultOf(liar)).toBe('corrupt');
  });
});

describe('a block written by version 1', () => {
  const block = Buffer.from(sealedInVersion1, 'base64');

  it('stays readable forever', () => {
    expect(decodeBlockRows(block)).toEqual(rowsOfVersion1);
    expect(readBlockHeader(block)).toEqual({
      version: 1,
      codec: 'brotli',
      count: 3,
      firstTime: 1_763_799_999_000,
      lastTime: 1_763_800_003_000,
      rawBytes: expect.any(Number),
    });
  });

  it('keeps the hashes of its ids, which deduplication compares across versions', () => {
    const { hi, lo } = decodeBlock(block).idHashes();
    expect([...hi].map((half, i) => half.toString(16).padStart(8, '0') + lo[i]!.toString(16).padStart(8, '0'))).toEqual([
      '76d7a7e72cd75d0e',
      'b0dac4824b5d721b',
      '03d81ce30f406fe2',
    ]);
  });

  it('keeps its record id', () => {
    expect(blockRecordId(block)).toBe('cca5cb37-3fb6-8f57-a72f-f9f091e0d2b5');
  });
});
