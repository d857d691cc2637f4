import { brotliDecompressSync } from 'node:zlib';
import {
  type AcceptedEvent,
  type EventColumns,
  type NumberField,
  numberFields,
  type TextColumn,
  type TextField,
  textFields,
} from '../domain/columns';
import { hash64, type Hashes64 } from '../domain/hash64';
import type { Item } from '../protocol/event';
import { ByteReader } from './block-bytes';
import { columnModes, sparseModes, timeModes } from './block-encode';
import { type BlockHeader, BlockUnreadable, openBlock } from './block-header';
import { PackedStrings } from './block-strings';

type Properties = Readonly<Record<string, string | number | boolean>>;

/**
 * Opens a block as columns. What is not asked for is not built: a projection uses a few of them, and each takes kilobytes of memory
 * that the garbage collector has to follow.
 * @throws BlockUnreadable
 */
export function decodeBlock(bytes: Uint8Array): EventColumns {
  const { header, packed, body } = openBlock(bytes);
  try {
    return new BlockColumns(header, new ByteReader(inflate(header, body)), packed);
  } catch (error) {
    if (error instanceof BlockUnreadable) throw error;
    throw new BlockUnreadable('corrupt', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Opens a block as events, each an object: for people and exports, not for folding. */
export function decodeBlockRows(bytes: Uint8Array): AcceptedEvent[] {
  const columns = decodeBlock(bytes);
  return Array.from({ length: columns.count }, (_, row) => rowOf(columns, row));
}

function inflate(header: BlockHeader, body: Buffer): Buffer {
  if (header.codec === 'stored') return body;
  // One byte more: a chunk that is filled to its end makes the decoder begin another.
  const raw = brotliDecompressSync(body, { chunkSize: Math.max(64, header.rawBytes + 1), maxOutputLength: Math.max(1, header.rawBytes) });
  if (raw.length !== header.rawBytes) throw new BlockUnreadable('corrupt', `${raw.length} bytes where ${header.rawBytes} were announced`);
  return raw;
}

class BlockColumns implements EventColumns {
  readonly count: number;
  readonly times: Float64Array;
  readonly text: { readonly [F in TextField]: TextColumn };
  private readonly receipts: ByteReader;
  private readonly numberSections: readonly (ByteReader | undefined)[];
  private readonly packedIds: PackedStrings;
  private readonly itemsSection: ByteReader | undefined;
  private readonly propertiesSection: ByteReader | undefined;
  private builtReceipts: Float64Array | undefined;
  private builtNumbers: { readonly [F in NumberField]: Float64Array | undefined } | undefined;
  private builtItems: ReadonlyMap<number, readonly Item[]> | undefined;
  private builtProperties: ReadonlyMap<number, Properties> | undefined;
  private builtHashes: Hashes64 | undefined;

  constructor(header: BlockHeader, body: ByteReader, packed: Buffer) {
    const { count } = header;
    this.count = count;
    this.times = readTimes(body, count);
    this.receipts = body.fork();
    skipTimes(body, count);
    this.packedIds = new PackedStrings(count, body.section(), packed);
    const absent = new AbsentColumn(count);
    const text: Partial<Record<TextField, TextColumn>> = {};
    for (const field of textFields) text[field] = readTextColumn(body, count, packed) ?? absent;
    this.text = text as Record<TextField, TextColumn>;
    this.numberSections = numberFields.map(() => (body.u8() === sparseModes.absent ? undefined : body.section()));
    this.itemsSection = body.u8() === sparseModes.present ? body.section() : undefined;
    this.propertiesSection = body.u8() === sparseModes.present ? body.section() : undefined;
  }

  get ids(): readonly string[] {
    return this.packedIds.strings();
  }

  idHashes(): Hashes64 {
    return (this.builtHashes ??= this.packedIds.hashes());
  }

  get receivedAt(): Float64Array {
    return (this.builtReceipts ??= readTimes(this.receipts.fork(), this.count));
  }

  get numbers(): { readonly [F in NumberField]: Float64Array | undefined } {
    return (this.builtNumbers ??= this.buildNumbers());
  }

  get items(): ReadonlyMap<number, readonly Item[]> {
    return (this.builtItems ??= readItems(this.itemsSection));
  }

  get properties(): ReadonlyMap<number, Properties> {
    return (this.builtProperties ??= readProperties(this.propertiesSection));
  }

  private buildNumbers(): { readonly [F in NumberField]: Float64Array | undefined } {
    const numbers: Partial<Record<NumberField, Float64Array | undefined>> = {};
    numberFields.forEach((field, i) => (numbers[field] = readNumbers(this.numberSections[i], this.count)));
    return numbers as Record<NumberField, Float64Array | undefined>;
  }
}

function readTimes(body: ByteReader, count: number): Float64Array {
  const times = new Float64Array(count);
  const mode = body.u8();
  if (mode === timeModes.floats) {
    for (let i = 0; i < count; i++) times[i] = body.f64();
    return times;
  }
  let time = body.f64();
  if (mode === timeModes.deltas) {
    for (let i = 0; i < count; i++) times[i] = time += body.signed();
    return times;
  }
  if (mode !== timeModes.runs) throw new RangeError(`times of unknown mode ${mode}`);
  for (let i = 0; ; time += body.signed()) {
    const end = i + body.varint();
    times.fill(time, i, end);
    if (end >= count) return times;
    i = end;
  }
}

function skipTimes(body: ByteReader, count: number): void {
  const mode = body.u8();
  if (mode === timeModes.floats) {
    body.raw(8 * count);
    return;
  }
  body.f64();
  if (mode === timeModes.deltas) return body.skipVarints(count);
  if (mode !== timeModes.runs) throw new RangeError(`times of unknown mode ${mode}`);
  for (let i = body.varint(); i < count; i += body.varint()) body.signed();
}

/** Undefined when no event has this field. */
function readTextColumn(body: ByteReader, count: number, packed: Buffer): TextColumn | undefined {
  const mode = body.u8();
  if (mode === columnModes.absent) return undefined;
  if (mode > columnModes.threeBytes) throw new RangeError(`a column of unknown mode ${mode}`);
  return new DictionaryColumn(body.section(), mode, count, packed);
}

function readCodes(section: ByteReader, mode: number, count: number): Uint16Array | Uint32Array {
  switch (mode) {
    case columnModes.constant:
      return new Uint16Array(count).fill(1);
    case columnModes.oneByte:
      return new Uint16Array(section.raw(count));
    case columnModes.twoBytes: {
      const low = section.raw(count);
      const high = section.raw(count);
      const codes = new Uint16Array(count);
      for (let i = 0; i < count; i++) codes[i] = low[i]! | (high[i]! << 8);
      return codes;
    }
    case columnModes.threeBytes: {
      const low = section.raw(count);
      const middle = section.raw(count);
      const high = section.raw(count);
      const codes = new Uint32Array(count);
      for (let i = 0; i < count; i++) codes[i] = low[i]! | (middle[i]! << 8) | (high[i]! << 16);
      return codes;
    }
    default:
      throw new RangeError(`a column of unknown mode ${mode}`);
  }
}

/** hash64 of the empty string, which stands for an absent value. */
const hashOfAbsent: Hashes64 = { hi: new Uint32Array(1), lo: new Uint32Array(1) };
hash64('', hashOfAbsent.hi, hashOfAbsent.lo, 0);

class AbsentColumn implements TextColumn {
  readonly values = [''];
  readonly codes: Uint16Array;

  constructor(count: number) {
    this.codes = new Uint16Array(count);
  }

  hashes(): Hashes64 {
    return hashOfAbsent;
  }
}

/** A text column that is read when first asked for. */
class DictionaryColumn implements TextColumn {
  private read: { readonly codes: Uint16Array | Uint32Array; readonly packedValues: PackedStrings } | undefined;
  private built: string[] | undefined;
  private builtHashes: Hashes64 | undefined;

  constructor(
    private readonly section: ByteReader,
    private readonly mode: number,
    private readonly count: number,
    private readonly packed: Buffer,
  ) {}

  get codes(): Uint16Array | Uint32Array {
    return this.whole.codes;
  }

  get values(): readonly string[] {
    return (this.built ??= ['', ...this.whole.packedValues.strings()]);
  }

  hashes(): Hashes64 {
    return (this.builtHashes ??= withAbsent(this.whole.packedValues.hashes()));
  }

  private get whole(): { readonly codes: Uint16Array | Uint32Array; readonly packedValues: PackedStrings } {
    return (this.read ??= this.readWhole());
  }

  private readWhole(): { readonly codes: Uint16Array | Uint32Array; readonly packedValues: PackedStrings } {
    const section = this.section.fork();
    const values = section.u32();
    const codes = readCodes(section, this.mode, this.count);
    return { codes, packedValues: new PackedStrings(values, section, this.packed) };
  }
}

function withAbsent({ hi, lo }: Hashes64): Hashes64 {
  const all = { hi: new Uint32Array(hi.length + 1), lo: new Uint32Array(lo.length + 1) };
  all.hi.set(hashOfAbsent.hi);
  all.lo.set(hashOfAbsent.lo);
  all.hi.set(hi, 1);
  all.lo.set(lo, 1);
  return all;
}

function readNumbers(from: ByteReader | undefined, count: number): Float64Array | undefined {
  if (from === undefined) return undefined;
  const section = from.fork();
  const rows = readRowNumbers(section);
  const values = JSON.parse(section.text()) as number[];
  const column = new Float64Array(count).fill(NaN);
  for (let i = 0; i < rows.length; i++) column[rows[i]!] = values[i]!;
  return column;
}

function readItems(section: ByteReader | undefined): ReadonlyMap<number, readonly Item[]> {
  if (section === undefined) return new Map();
  const rows = readRowNumbers(section);
  const codes = rows.map(() => Array.from({ length: section.varint() }, () => section.varint()));
  const known = JSON.parse(section.text()) as Item[];
  return new Map(rows.map((row, i) => [row, codes[i]!.map((code) => known[code]!)]));
}

function readProperties(section: ByteReader | undefined): ReadonlyMap<number, Properties> {
  if (section === undefined) return new Map();
  const rows = readRowNumbers(section);
  const codes = rows.map(() => section.varint());
  const known = JSON.parse(section.text()) as Properties[];
  return new Map(rows.map((row, i) => [row, known[codes[i]!]!]));
}

function readRowNumbers(section: ByteReader): number[] {
  const rows = new Array<number>(Math.min(section.varint(), section.remaining));
  let row = 0;
  for (let i = 0; i < rows.length; i++) rows[i] = row += section.varint();
  return rows;
}

function rowOf(columns: EventColumns, row: number): AcceptedEvent {
  const event: Record<string, unknown> = { id: columns.ids[row], time: columns.times[row], receivedAt: columns.receivedAt[row] };
  for (const field of textFields) {
    const { values, codes } = columns.text[field];
    const value = values[codes[row]!]!;
    if (value !== '') event[field] = value;
  }
  for (const field of numberFields) {
    const value = columns.numbers[field]?.[row];
    if (value !== undefined && !Number.isNaN(value)) event[field] = value;
  }
  // Equal items and properties are one object in the columns; a row is its owner's to change.
  const items = columns.items.get(row);
  if (items) event['items'] = items.map((item) => ({ ...item }));
  const properties = columns.properties.get(row);
  if (properties) event['properties'] = { ...properties };
  return event as unknown as AcceptedEvent;
}
