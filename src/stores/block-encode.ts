import { brotliCompressSync, constants } from 'node:zlib';
import { type AcceptedEvent, type NumberField, numberFields, type TextField, textFields } from '../domain/columns';
import type { Item } from '../protocol/event';
import { ByteWriter } from './block-bytes';
import { blockLimits, sealBlock } from './block-header';
import { writeStrings } from './block-strings';

/** How a column is stored; the numbers are part of the format. */
export const columnModes = { absent: 0, constant: 1, oneByte: 2, twoBytes: 3, threeBytes: 4 } as const;
export const timeModes = { deltas: 0, floats: 1, runs: 2 } as const;
export const sparseModes = { absent: 0, present: 1 } as const;

/** Bodies below this are stored as they are: compressing them costs more than it saves. */
const compressFromBytes = 128;
const int32Max = 0x7fffffff;

/**
 * Seals events into one block. An empty string is stored as absent, as columns cannot tell them apart.
 * @throws RangeError for no events, too many, or a number that is not finite
 */
export function encodeBlock(rows: readonly AcceptedEvent[]): Uint8Array {
  const count = rows.length;
  if (count === 0) throw new RangeError('a block needs at least one event');
  if (count > blockLimits.eventsMax) throw new RangeError(`a block holds at most ${blockLimits.eventsMax} events, not ${count}`);
  const body = new ByteWriter(count * 96 + 1024);
  const packed = new ByteWriter(count * 20 + 64);

  const { firstTime, lastTime } = writeTimes(rows, body);
  writeReceipts(rows, body);
  writeIds(rows, body, packed);
  writeTextColumns(rows, body, packed);
  for (const field of numberFields) writeNumbers(rows, field, body);
  writeItems(rows, body);
  writeProperties(rows, body);

  const raw = body.written();
  if (raw.length > blockLimits.rawBytesMax) throw new RangeError(`a block of ${raw.length} bytes exceeds ${blockLimits.rawBytesMax} bytes`);
  const compressed = raw.length < compressFromBytes ? raw : compress(raw);
  const smaller = compressed.length < raw.length;
  return sealBlock(
    { codec: smaller ? 'brotli' : 'stored', count, firstTime, lastTime, rawBytes: raw.length },
    packed.written(),
    smaller ? compressed : raw,
  );
}

function compress(raw: Buffer): Buffer {
  return brotliCompressSync(raw, {
    chunkSize: Math.max(1024, (raw.length >>> 1) + 1024),
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 1,
      // Measured on blocks of 500 to 4,000 events: a larger window neither packs better at this quality nor costs less.
      [constants.BROTLI_PARAM_LGWIN]: 16,
      [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  });
}

function writeTimes(rows: readonly AcceptedEvent[], body: ByteWriter): { firstTime: number; lastTime: number } {
  let firstTime = Infinity;
  let lastTime = -Infinity;
  let previous = rows[0]!.time;
  let small = Number.isSafeInteger(previous);
  for (const { time } of rows) {
    if (!Number.isFinite(time)) throw new RangeError(`an event's time must be finite, not ${time}`);
    if (time < firstTime) firstTime = time;
    if (time > lastTime) lastTime = time;
    const delta = time - previous;
    if (delta > int32Max || delta < -int32Max || !Number.isSafeInteger(time)) small = false;
    previous = time;
  }
  if (small) {
    body.u8(timeModes.deltas);
    body.f64(rows[0]!.time);
    previous = rows[0]!.time;
    for (const { time } of rows) {
      body.signed(time - previous);
      previous = time;
    }
  } else {
    body.u8(timeModes.floats);
    for (const { time } of rows) body.f64(time);
  }
  return { firstTime, lastTime };
}

/** Usually equal for all events of a request: runs of (length, difference to the run before). */
function writeReceipts(rows: readonly AcceptedEvent[], body: ByteWriter): void {
  let small = Number.isSafeInteger(rows[0]!.receivedAt);
  for (let i = 1; i < rows.length; i++) {
    const delta = rows[i]!.receivedAt - rows[i - 1]!.receivedAt;
    if (!(delta <= int32Max && delta >= -int32Max) || !Number.isSafeInteger(rows[i]!.receivedAt)) small = false;
  }
  if (!small) {
    body.u8(timeModes.floats);
    for (const { receivedAt } of rows) {
      if (!Number.isFinite(receivedAt)) throw new RangeError(`the time of receipt must be finite, not ${receivedAt}`);
      body.f64(receivedAt);
    }
    return;
  }
  body.u8(timeModes.runs);
  let current = rows[0]!.receivedAt;
  body.f64(current);
  let begin = 0;
  for (let i = 1; i <= rows.length; i++) {
    const next = i < rows.length ? rows[i]!.receivedAt : undefined;
    if (next === current) continue;
    body.varint(i - begin);
    if (next === undefined) break;
    body.signed(next - current);
    current = next;
    begin = i;
  }
}

function writeIds(rows: readonly AcceptedEvent[], body: ByteWriter, packed: ByteWriter): void {
  const ids = new Array<string>(rows.length);
  for (let i = 0; i < rows.length; i++) ids[i] = rows[i]!.id;
  const section = body.beginSection();
  writeStrings(ids, body, packed);
  body.endSection(section);
}

class Dictionary {
  readonly values: string[] = [''];
  readonly codes: Uint32Array;
  private readonly known = new Map<string, number>();
  /** By the row's code in another column: the last code here. */
  private readonly guesses: Uint32Array;

  constructor(count: number) {
    this.codes = new Uint32Array(count);
    this.guesses = new Uint32Array(count + 1);
  }

  /**
   * @param like the row's code in a column this one tends to follow. One visitor has one user agent and one page one title;
   * comparing with what came last costs a fraction of hashing a string that was just received.
   */
  add(row: number, value: string | undefined, like: number): number {
    if (value === undefined || value === '') return 0;
    let code = this.guesses[like]!;
    if (this.values[code] !== value) this.guesses[like] = code = this.codeOf(value);
    this.codes[row] = code;
    return code;
  }

  private codeOf(value: string): number {
    let code = this.known.get(value);
    if (code === undefined) {
      code = this.values.length;
      this.known.set(value, code);
      this.values.push(value);
    }
    return code;
  }
}

function writeTextColumns(rows: readonly AcceptedEvent[], body: ByteWriter, packed: ByteWriter): void {
  const count = rows.length;
  const dictionaries = Object.fromEntries(textFields.map((field) => [field, new Dictionary(count)])) as Record<TextField, Dictionary>;
  const { merchantId, name, visitorId, userId, sessionId, url, title, referrer } = dictionaries;
  const { userAgent, country, language, screen, currency, transactionId, coupon } = dictionaries;
  // Spelled out: a loop over field names would make every property access a dictionary look-up.
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    const visitor = visitorId.add(i, row.visitorId, 0);
    const merchant = merchantId.add(i, row.merchantId, visitor);
    name.add(i, row.name, 0);
    userId.add(i, row.userId, visitor);
    sessionId.add(i, row.sessionId, visitor);
    title.add(i, row.title, url.add(i, row.url, visitor));
    referrer.add(i, row.referrer, visitor);
    userAgent.add(i, row.userAgent, visitor);
    country.add(i, row.country, visitor);
    language.add(i, row.language, visitor);
    screen.add(i, row.screen, visitor);
    currency.add(i, row.currency, merchant);
    transactionId.add(i, row.transactionId, 0);
    coupon.add(i, row.coupon, 0);
  }
  for (const field of textFields) writeTextColumn(dictionaries[field], body, packed);
}

/** Codes are stored as planes, all low bytes first: neighbours in a plane are alike, which is what the compressor needs. */
function writeTextColumn({ values, codes }: Dictionary, body: ByteWriter, packed: ByteWriter): void {
  if (values.length === 1) return body.u8(columnModes.absent);
  const constant = values.length === 2 && codes.every((code) => code === 1);
  const planes = constant ? 0 : values.length <= 1 << 8 ? 1 : values.length <= 1 << 16 ? 2 : 3;
  body.u8([columnModes.constant, columnModes.oneByte, columnModes.twoBytes, columnModes.threeBytes][planes]!);
  const section = body.beginSection();
  body.u32(values.length - 1);
  const { target, offset } = body.reserve(planes * codes.length);
  for (let plane = 0, at = offset; plane < planes; plane++) {
    for (let i = 0; i < codes.length; i++) target[at++] = codes[i]! >>> (8 * plane);
  }
  writeStrings(values.slice(1), body, packed);
  body.endSection(section);
}

/** Row numbers as differences, values as JSON: decimal money is short as text and long as a float. */
function writeNumbers(rows: readonly AcceptedEvent[], field: NumberField, body: ByteWriter): void {
  const present: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    const value = rows[i]![field];
    if (value === undefined || value === null) continue;
    if (!Number.isFinite(value)) throw new RangeError(`an event's ${field} must be finite, not ${value}`);
    present.push(i);
    values.push(value);
  }
  if (present.length === 0) return body.u8(sparseModes.absent);
  body.u8(sparseModes.present);
  const section = body.beginSection();
  writeRowNumbers(present, body);
  body.text(JSON.stringify(values));
  body.endSection(section);
}

function writeItems(rows: readonly AcceptedEvent[], body: ByteWriter): void {
  const present: number[] = [];
  for (let i = 0; i < rows.length; i++) if (rows[i]!.items !== undefined) present.push(i);
  if (present.length === 0) return body.u8(sparseModes.absent);
  body.u8(sparseModes.present);
  const section = body.beginSection();
  writeRowNumbers(present, body);
  const known = new ItemDictionary();
  for (const row of present) {
    const items = rows[row]!.items!;
    body.varint(items.length);
    for (const item of items) body.varint(known.codeOf(item));
  }
  body.text(JSON.stringify(known.items));
  body.endSection(section);
}

function writeProperties(rows: readonly AcceptedEvent[], body: ByteWriter): void {
  const present: number[] = [];
  for (let i = 0; i < rows.length; i++) if (rows[i]!.properties !== undefined) present.push(i);
  if (present.length === 0) return body.u8(sparseModes.absent);
  body.u8(sparseModes.present);
  const section = body.beginSection();
  writeRowNumbers(present, body);
  const texts = new JsonDictionary();
  for (const row of present) body.varint(texts.codeOf(rows[row]!.properties!));
  body.text(texts.json());
  body.endSection(section);
}

/** Equal items are stored once: those of a catalogue come again in every event that shows them. */
class ItemDictionary {
  readonly items: Item[] = [];
  /** By itemId: the codes of the items that have it, which differ in quantity or price. */
  private readonly known = new Map<string, number[]>();

  codeOf(item: Item): number {
    let codes = this.known.get(item.itemId);
    if (codes === undefined) this.known.set(item.itemId, (codes = []));
    for (const code of codes) if (sameItem(this.items[code]!, item)) return code;
    const code = this.items.push(item) - 1;
    // What an item differs in is bounded in practice; where it is not, searching must not become the cost.
    if (codes.length < 8) codes.push(code);
    return code;
  }
}

function sameItem(a: Item, b: Item): boolean {
  return (
    a.price === b.price &&
    a.quantity === b.quantity &&
    a.name === b.name &&
    a.variant === b.variant &&
    a.category === b.category &&
    a.brand === b.brand &&
    a.coupon === b.coupon
  );
}
/** Fails to compile when Item gains a field that sameItem does not compare. */
type _ComparedBySameItem = AssertNever<
  Exclude<keyof Item, 'itemId' | 'price' | 'quantity' | 'name' | 'variant' | 'category' | 'brand' | 'coupon'>
>;
type AssertNever<T extends never> = T;

/** Equal objects are stored once, told apart by their JSON. */
class JsonDictionary {
  private readonly known = new Map<string, number>();

  codeOf(value: object): number {
    const text = JSON.stringify(value);
    let code = this.known.get(text);
    if (code === undefined) this.known.set(text, (code = this.known.size));
    return code;
  }

  json(): string {
    return `[${[...this.known.keys()].join(',')}]`;
  }
}

function writeRowNumbers(present: readonly number[], body: ByteWriter): void {
  body.varint(present.length);
  let previous = 0;
  for (const row of present) {
    body.varint(row - previous);
    previous = row;
  }
}
