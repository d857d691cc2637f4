import { int32At } from '../../src/domain/int32';
import { bson, type BsonWriter, digitsOf, endOf, fieldName, isNamed, numberAt, textAt } from './bson';
import type { CellDelta } from './document';
import type { MeasuresDelta } from './measures';

/**
 * Documents as they are stored: `{ _id, rev, ofMinute?, values: [{ v, h?, b? }], other?: { h?, b? } }`, fields in this order (see StoredDoc). They stay
 * bytes from the store to the cache and back: what does not change is copied as it is.
 */
export const documentFields = {
  id: fieldName('_id'),
  rev: fieldName('rev'),
  ofMinute: fieldName('ofMinute'),
  values: fieldName('values'),
  other: fieldName('other'),
  v: fieldName('v'),
  h: fieldName('h'),
  b: fieldName('b'),
};
const names = documentFields;
const idAt = 4;
const idTextAt = idAt + 1 + names.id.length;

export const idOf = (document: Uint8Array): string => textAt(document, idTextAt);

const afterId = (document: Uint8Array): number => idTextAt + 4 + int32At(document, idTextAt);

/** The log revision a document is folded to. */
export function revOf(document: Uint8Array): number {
  const at = afterId(document);
  return Number(numberAt(document, document[at]!, at + 1 + names.rev.length));
}

/** Behind `rev`. */
function afterRev(document: Uint8Array): number {
  const at = afterId(document);
  return endOf(document, document[at]!, at + 1 + names.rev.length);
}

const hasOfMinute = (document: Uint8Array, at: number): boolean => document[at] === bson.text && isNamed(document, at + 1, names.ofMinute);

/** The minute a document is of; '' where it is none of a recent minute. */
export function ofMinuteOf(document: Uint8Array): string {
  const at = afterRev(document);
  return hasOfMinute(document, at) ? textAt(document, at + 1 + names.ofMinute.length) : '';
}

/** Where the parts of a document begin; valid for the document last opened. */
export class DocumentParts {
  /** The first element of `values`. */
  first = 0;
  /** Behind the last. */
  last = 0;
  /** The content of `other`; 0 where there is none. */
  other = 0;

  /** @throws Error where the bytes are no document of a read model */
  open(document: Uint8Array): this {
    const rev = afterId(document);
    let list = afterRev(document);
    if (hasOfMinute(document, list)) list = endOf(document, bson.text, list + 1 + names.ofMinute.length);
    const isOne = isNamed(document, idAt + 1, names.id) && isNamed(document, rev + 1, names.rev);
    if (!isOne || document[list] !== bson.list || !isNamed(document, list + 1, names.values)) {
      throw new Error('the stored bytes are no document of a read model');
    }
    const content = list + 1 + names.values.length;
    const after = content + int32At(document, content);
    this.first = content + 4;
    this.last = after - 1;
    this.other = document[after] === bson.document && isNamed(document, after + 1, names.other) ? after + 1 + names.other.length : 0;
    return this;
  }
}

/** Where the content of the element at `at` begins, whose place in the list is `place`. */
export const contentAt = (at: number, place: number): number => at + 2 + digitsOf(place);

/** Every value of a document with the place where it begins, in order. */
export function eachValue(document: Uint8Array, visit: (v: string, content: number) => void): void {
  const { first, last } = new DocumentParts().open(document);
  for (let at = first, place = 0; at < last; place++) {
    const content = contentAt(at, place);
    visit(valueAt(document, content), content);
    at = content + int32At(document, content);
  }
}

/** The `v` of the value whose content begins at `at`. */
export const valueAt = (document: Uint8Array, at: number): string => textAt(document, at + 5 + names.v.length);

const endOfV = (document: Uint8Array, at: number): number => endOf(document, bson.text, at + 5 + names.v.length);

/** Where the measures of `h` and `b` begin, of a value or of `other`; 0 where there are none. */
export class Sides {
  h = 0;
  b = 0;

  /** @param at where the content of a value begins; 0: nothing is stored */
  ofValue(document: Uint8Array, at: number): this {
    return this.from(document, at === 0 ? 0 : endOfV(document, at));
  }

  /** @param at where the content of `other` begins; 0: nothing is stored */
  ofOther(document: Uint8Array, at: number): this {
    return this.from(document, at === 0 ? 0 : at + 4);
  }

  private from(document: Uint8Array, at: number): this {
    this.h = this.b = 0;
    if (at === 0) return this;
    if (document[at] === bson.document && isNamed(document, at + 1, names.h)) {
      this.h = at + 1 + names.h.length;
      at = this.h + int32At(document, this.h);
    }
    if (document[at] === bson.document && isNamed(document, at + 1, names.b)) this.b = at + 1 + names.b.length;
    return this;
  }
}

/** Begins a document, up to the first of its values. @returns what ends the list of its values; `other` may follow */
export function beginDocument(out: BsonWriter, id: string, rev: number, ofMinute?: string): number {
  out.length = 0;
  out.begin();
  out.text(names.id, id);
  out.number(names.rev, rev);
  if (ofMinute !== undefined) out.text(names.ofMinute, ofMinute);
  out.field(bson.list, names.values);
  return out.begin();
}

/** Ends the document that was begun. @returns a copy of its bytes */
export function endDocument(out: BsonWriter): Uint8Array {
  out.end(0);
  return out.taken();
}

const sides = new Sides();
/** In place of a document of which nothing is stored. */
export const nothing = new Uint8Array(0);

/** A stored value, after its name in the list, with a delta folded in. @param at where its content begins */
export function writeChanged(out: BsonWriter, stored: Uint8Array, at: number, cell: CellDelta): void {
  const begun = beginChanged(out, stored, at);
  writeSides(out, stored, sides.ofValue(stored, at), cell);
  out.end(begun);
}

/** A value of which nothing is stored, after its name in the list. */
export function writeNew(out: BsonWriter, value: string, cell: CellDelta): void {
  const begun = beginNew(out, value);
  writeSides(out, nothing, sides.ofValue(nothing, 0), cell);
  out.end(begun);
}

/** Begins a value as it is stored, up to its sides. */
export function beginChanged(out: BsonWriter, stored: Uint8Array, at: number): number {
  const begun = out.begin();
  out.range(stored, at + 4, endOfV(stored, at));
  return begun;
}

/** Begins a value of which nothing is stored, up to its sides. */
export function beginNew(out: BsonWriter, value: string): number {
  const begun = out.begin();
  out.text(names.v, value);
  return begun;
}

/** The field `other`, with a delta folded in. @param at where its content begins in what is stored; 0: nowhere */
export function writeOther(out: BsonWriter, stored: Uint8Array, at: number, cell: CellDelta): void {
  out.field(bson.document, names.other);
  const begun = out.begin();
  writeSides(out, stored, sides.ofOther(stored, at), cell);
  out.end(begun);
}

/** The field `other` as it is stored. @param at where its content begins */
export function copyOther(out: BsonWriter, stored: Uint8Array, at: number): void {
  out.field(bson.document, names.other);
  out.range(stored, at, at + int32At(stored, at));
}

/** `h` before `b` whichever came first: equal content is equal bytes. */
function writeSides(out: BsonWriter, stored: Uint8Array, { h, b }: Sides, cell: CellDelta): void {
  writeSide(out, 'h', stored, h, cell.h);
  writeSide(out, 'b', stored, b, cell.b);
}

function writeSide(out: BsonWriter, side: 'h' | 'b', stored: Uint8Array, at: number, delta: MeasuresDelta | undefined): void {
  if (delta === undefined) {
    copySide(out, side, stored, at);
    return;
  }
  beginSide(out, side);
  delta.writeInto(out, stored, at);
}

/** Type and name of a side, before its measures. */
export const beginSide = (out: BsonWriter, side: 'h' | 'b'): void => out.field(bson.document, names[side]);

/** A side as it is stored; nothing where there is none (0). */
export function copySide(out: BsonWriter, side: 'h' | 'b', stored: Uint8Array, at: number): void {
  if (at === 0) return;
  beginSide(out, side);
  out.range(stored, at, at + int32At(stored, at));
}
