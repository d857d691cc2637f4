import { brotliCompressSync, constants } from 'node:zlib';
import { type AcceptedEvent, type NumberField, numberFields, type TextField, textFields } from '../domain/columns';
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
      [constants.BROTLI_PARAM_LGWIN]: 18,
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
  private lastValue: string | undefined = undefined;
  private lastCode = 0;

  constructor(count: number) {
    this.codes = new Uint32Array(count);
  }

  add(row: number, value: string | undefined): void {
    // Neighbours are often from one visitor, so the same values come again and again.
    if (value === this.lastValue) {
      this.codes[row] = this.lastCode;
      return;
    }
    this.lastValue = value;
    this.codes[row] = this.lastCode = value === undefined || value === '' ? 0 : this.codeOf(value);
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
    merchantId.add(i, row.merchantId);
    name.add(i, row.name);
    visitorId.add(i, row.visitorId);
    userId.add(i, row.userId);
    sessionId.add(i, row.sessionId);
    url.add(i, row.url);
    title.add(i, row.title);
    referrer.add(i, row.referrer);
    userAgent.add(i, row.userAgent);
    country.add(i, row.country);
    language.add(i, row.language);
    screen.add(i, row.screen);
    currency.add(i, row.currency);
    transactionId.add(i, row.transactionId);
    coupon.add(i, row.coupon);
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
  const texts = new JsonDictionary();
  for (const row of present) {
    const items = rows[row]!.items!;
    body.varint(items.length);
    for (const item of items) body.varint(texts.codeOf(item));
  }
  body.text(texts.json());
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

/** Equal objects are stored once: the items of a catalogue come again in every event that shows them. */
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
