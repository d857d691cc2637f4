import { bson, endOf, isNamed, numberAt } from '../../projections/kit/bson';
import { documentFields } from '../../projections/kit/document-bytes';
import { int32At } from '../domain/int32';
import { ByteTexts } from './byte-texts';

/** What humans caused, and what bots caused. */
export type Side = 'h' | 'b';

/** As StoredDoc of the kit, its sets still in their bytes. */
export interface ReadDoc {
  _id: string;
  rev: number;
  ofMinute?: string;
  values: ReadValue[];
  other?: ReadSides;
}
export interface ReadValue extends ReadSides {
  v: string;
}
export interface ReadSides {
  h?: ReadMeasures;
  b?: ReadMeasures;
}
export type ReadMeasure = number | bigint | StoredSet | { readonly [currency: string]: number | bigint };
export type ReadMeasures = { readonly [measure: string]: ReadMeasure };

/** A stored set of visitors where it lies among other bytes: thousands of views on them would cost more than what is in them. */
export class StoredSet {
  constructor(
    readonly bytes: Uint8Array,
    readonly at: number,
    readonly length: number,
  ) {}

  static of(stored: Uint8Array): StoredSet {
    return new StoredSet(stored, 0, stored.length);
  }

  /** Says how the rest is to be read: see distinct.ts and members.ts of the kit. */
  get tag(): number {
    return this.bytes[this.at + this.length - 1]!;
  }

  /** As the kit takes it. */
  view(): Uint8Array {
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + this.at, this.length);
  }
}

/** What of a document is looked at; the rest is passed over. */
export interface Wanted {
  readonly sides: readonly Side[];
  /** Names of measures. */
  readonly measures: readonly string[];
  /** Dimension values, whole or by what they begin with; undefined: all. */
  readonly values: { readonly are: readonly string[] } | { readonly begin: readonly string[] } | undefined;
}

const names = documentFields;
/** `h` and `b`. */
const lowerH = names.h[0]!;
const lowerB = names.b[0]!;

/**
 * Reads stored documents straight from their BSON: of each, the few numbers and sets an answer needs. The sets stay in the
 * bytes given, and keep them in memory.
 */
export class StoredBytes {
  private bytes: Buffer = Buffer.alloc(0);
  private readonly texts = new ByteTexts();
  private readonly sides: readonly [boolean, boolean];
  private readonly names: readonly { readonly text: string; readonly bytes: Buffer }[] | undefined;
  private readonly values: readonly Buffer[] | undefined;
  private readonly areWhole: boolean;

  /** @param wanted undefined: everything */
  constructor(wanted: Wanted | undefined) {
    this.sides = wanted === undefined ? [true, true] : [wanted.sides.includes('h'), wanted.sides.includes('b')];
    this.names = wanted?.measures.map((text) => ({ text, bytes: Buffer.from(`${text}\0`) }));
    const values = wanted?.values;
    this.areWhole = values !== undefined && 'are' in values;
    this.values = values && ('are' in values ? values.are : values.begin).map((value) => Buffer.from(value));
  }

  /** @throws Error where the bytes are no document of a read model */
  read(given: Uint8Array): ReadDoc {
    const bytes = (this.bytes = Buffer.isBuffer(given) ? given : Buffer.from(given.buffer, given.byteOffset, given.byteLength));
    const document: ReadDoc = { _id: '', rev: 0, values: [] };
    const end = this.int32(0) - 1;
    for (let at = 4; at < end;) {
      const type = bytes[at]!;
      const name = at + 1;
      const content = this.afterName(name);
      if (type === bson.text && isNamed(bytes, name, names.id)) document._id = this.text(content);
      else if (type === bson.text && isNamed(bytes, name, names.ofMinute)) document.ofMinute = this.text(content);
      else if (type === bson.list && isNamed(bytes, name, names.values)) this.readValues(content, document.values);
      else if (type === bson.document && isNamed(bytes, name, names.other)) document.other = this.readSides(content);
      else if (type !== bson.text && isNamed(bytes, name, names.rev)) document.rev = Number(this.number(type, content));
      at = this.after(type, content);
    }
    return document;
  }

  private readValues(list: number, values: ReadValue[]): void {
    const end = list + this.int32(list) - 1;
    for (let at = list + 4; at < end;) {
      const content = this.afterName(at + 1);
      const value = this.readValue(content);
      if (value !== undefined) values.push(value);
      at = this.after(bson.document, content);
    }
  }

  /** Undefined where it is not wanted. The value itself comes first in what is stored, so that the rest need not be read then. */
  private readValue(document: number): ReadValue | undefined {
    const first = document + 4;
    if (this.bytes[first] !== bson.text || !isNamed(this.bytes, first + 1, names.v))
      throw new Error('a stored value does not begin with v');
    const rest = this.after(bson.text, first + 3);
    if (this.values !== undefined && !this.isWantedValue(first + 3)) return undefined;
    const { h, b } = this.readSides(document);
    const v = this.texts.textOf(this.bytes, first + 7, rest - 1);
    if (b === undefined) return h === undefined ? { v } : { v, h };
    return h === undefined ? { v, b } : { v, h, b };
  }

  private readSides(document: number): ReadSides {
    let h: ReadMeasures | undefined;
    let b: ReadMeasures | undefined;
    const end = document + this.int32(document) - 1;
    for (let at = document + 4; at < end;) {
      const type = this.bytes[at]!;
      const content = this.afterName(at + 1);
      if (type === bson.document && content === at + 3) {
        if (this.bytes[at + 1] === lowerH && this.sides[0]) h = this.readMeasures(content);
        else if (this.bytes[at + 1] === lowerB && this.sides[1]) b = this.readMeasures(content);
      }
      at = this.after(type, content);
    }
    if (b === undefined) return h === undefined ? {} : { h };
    return h === undefined ? { b } : { h, b };
  }

  private readMeasures(document: number): ReadMeasures {
    const measures: { [name: string]: ReadMeasure } = {};
    const end = document + this.int32(document) - 1;
    for (let at = document + 4; at < end;) {
      const type = this.bytes[at]!;
      const content = this.afterName(at + 1);
      const name = this.wantedName(at + 1, content);
      at = this.after(type, content);
      if (name !== undefined) measures[name] = this.measure(type, content);
    }
    return measures;
  }

  private measure(type: number, at: number): ReadMeasure {
    if (type === bson.bytes) return new StoredSet(this.bytes, at + 5, this.int32(at));
    if (type !== bson.document) return this.number(type, at);
    const amounts: { [currency: string]: number | bigint } = {};
    const end = at + this.int32(at) - 1;
    for (let next = at + 4; next < end;) {
      const content = this.afterName(next + 1);
      amounts[this.bytes.toString('latin1', next + 1, content - 1)] = this.number(this.bytes[next]!, content);
      next = this.after(this.bytes[next]!, content);
    }
    return amounts;
  }

  private number(type: number, at: number): number | bigint {
    if (type !== bson.int64) return numberAt(this.bytes, type, at);
    const value = this.int32(at + 4) * 0x1_0000_0000 + (this.int32(at) >>> 0);
    return Number.isSafeInteger(value) ? value : this.bytes.readBigInt64LE(at);
  }

  private isWantedValue(at: number): boolean {
    const length = this.int32(at) - 1;
    const from = at + 4;
    for (const value of this.values!) {
      if (this.areWhole ? value.length !== length : value.length > length) continue;
      if (value.compare(this.bytes, from, from + value.length) === 0) return true;
    }
    return false;
  }

  /** The name that stands there, where it is one of those wanted. */
  private wantedName(at: number, end: number): string | undefined {
    if (this.names === undefined) return this.bytes.toString('latin1', at, end - 1);
    const { bytes } = this;
    for (let n = 0; n < this.names.length; n++) {
      const wanted = this.names[n]!.bytes;
      if (wanted.length !== end - at) continue;
      let i = 0;
      while (i < wanted.length && wanted[i] === bytes[at + i]) i++;
      if (i === wanted.length) return this.names[n]!.text;
    }
    return undefined;
  }

  private afterName(at: number): number {
    const { bytes } = this;
    while (bytes[at] !== 0) if (at++ >= bytes.length) throw new Error('the document is cut off');
    return at + 1;
  }

  private after(type: number, content: number): number {
    const end = endOf(this.bytes, type, content);
    if (end <= content || end > this.bytes.length) throw new Error('a length is wrong');
    return end;
  }

  private text(at: number): string {
    return this.bytes.toString('utf8', at + 4, at + 3 + this.int32(at));
  }

  private int32(at: number): number {
    return int32At(this.bytes, at);
  }
}
