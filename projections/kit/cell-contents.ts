import { int32At } from '../../src/domain/int32';
import { bson, type BsonWriter, endOf, fieldName, isNamed, nameAt, numberAt } from './bson';
import { lanesOf as lanesOfSet, writeHashes } from './distinct';
import { alphabetical, plus, type MeasuresDelta, type StoredPart } from './measures';
import { writeMembers } from './members';
import type { PaidLines } from './paid';
import type { PairIndex } from './pair-index';
import type { Seen } from './seen-visitors';

/** The measures of one family, by place. */
export interface Layout {
  readonly counters: readonly string[];
  readonly distincts: readonly string[];
  /** Sets whose members may be taken back: see members.ts. */
  readonly members: readonly string[];
  /** Numbers by currency: minor units, or a count. */
  readonly money: readonly string[];
  /** Restated counters are stored even at zero: a cell that counted and took back must look the same however flushes fell. */
  readonly restated: boolean;
}

interface Measure {
  readonly name: Uint8Array;
  readonly kind: 'counter' | 'distinct' | 'members' | 'money';
  /** Among those of its kind. */
  readonly at: number;
}

/** The field of a stored measure that is being folded: where its content begins and ends; at 0 nothing is stored. */
class StoredField {
  bytes: Uint8Array = new Uint8Array(0);
  type = 0;
  /** Where the field begins: its type. */
  from = 0;
  at = 0;
  end = 0;
}

/** The cells of a taken batch; read when documents are merged, so that taking a batch copies nothing. */
export class CellContents {
  /** A family's documents hold no other measures than these; in alphabetical order, as they are stored. */
  private readonly order: readonly Measure[];

  constructor(
    private readonly layout: Layout,
    private readonly counters: Float64Array,
    private readonly distincts: readonly Seen[],
    private readonly members: readonly Seen[],
    private readonly paid: PaidLines | undefined,
    private readonly visitors: PairIndex,
  ) {
    const ofKind = (names: readonly string[], kind: Measure['kind']) => names.map((name, at) => ({ text: name, kind, at }));
    this.order = [
      ...ofKind(layout.counters, 'counter'),
      ...ofKind(layout.distincts, 'distinct'),
      ...ofKind(layout.members, 'members'),
      ...ofKind(layout.money, 'money'),
    ]
      .sort((a, b) => (a.text < b.text ? -1 : 1))
      .map(({ text, kind, at }) => ({ name: fieldName(text), kind, at }));
  }

  writeInto(out: BsonWriter, stored: Uint8Array, at: number, cells: readonly number[]): void {
    const begun = out.begin();
    const end = at === 0 ? 0 : at + int32At(stored, at) - 1;
    let next = at === 0 ? 0 : at + 4;
    for (let m = 0; m < this.order.length; m++) {
      const measure = this.order[m]!;
      next = findField(field, stored, next, end, measure.name);
      this.write(out, measure, field, cells);
    }
    mustBeAtEnd(next, end);
    out.end(begun);
  }

  writeCapped(
    out: BsonWriter,
    stored: StoredPart,
    beyond: BsonWriter,
    storedBeyond: StoredPart,
    cells: readonly number[],
    setMax: number,
  ): boolean {
    const begun = out.begin();
    const begunBeyond = beyond.begin();
    let isBeyond = false;
    const end = endOfPart(stored);
    const endBeyond = endOfPart(storedBeyond);
    let next = beginOfPart(stored);
    let nextBeyond = beginOfPart(storedBeyond);
    for (const measure of this.order) {
      next = findField(field, stored.bytes, next, end, measure.name);
      nextBeyond = findField(fieldBeyond, storedBeyond.bytes, nextBeyond, endBeyond, measure.name);
      if (measure.kind !== 'distinct') {
        this.write(out, measure, field, cells);
        continue;
      }
      splitSet(field, this.gather(this.distincts[measure.at]!, cells), setMax);
      writeSet(out, measure.name, field, fresh, freshLength);
      writeSet(beyond, measure.name, fieldBeyond, rest, restLength);
      isBeyond ||= restLength > 0;
    }
    mustBeAtEnd(next, end);
    mustBeAtEnd(nextBeyond, endBeyond);
    out.end(begun);
    beyond.end(begunBeyond);
    return isBeyond;
  }

  private write(out: BsonWriter, { name, kind, at }: Measure, stored: StoredField, cells: readonly number[]): void {
    switch (kind) {
      case 'counter':
        this.writeCount(out, name, stored, at, cells);
        break;
      case 'distinct':
        this.writeSeen(out, name, stored, this.distincts[at]!, cells);
        break;
      case 'members':
        this.writeMembers(out, name, stored, this.members[at]!, cells);
        break;
      case 'money':
        this.writeAmounts(out, name, stored, at, cells);
        break;
    }
  }

  private writeCount(out: BsonWriter, name: Uint8Array, stored: StoredField, at: number, cells: readonly number[]): void {
    const width = this.layout.counters.length;
    let by = 0;
    for (let c = 0; c < cells.length; c++) by += this.counters[cells[c]! * width + at]!;
    if (by === 0 && !this.layout.restated) copyField(out, stored);
    else out.number(name, plus(stored.at === 0 ? undefined : numberAt(stored.bytes, stored.type, stored.at), by));
  }

  private writeSeen(out: BsonWriter, name: Uint8Array, stored: StoredField, seen: Seen, cells: readonly number[]): void {
    // First of all, as there may be other lanes afterwards.
    const length = this.gather(seen, cells);
    writeSet(out, name, stored, lanes, length);
  }

  private writeMembers(out: BsonWriter, name: Uint8Array, stored: StoredField, seen: Seen, cells: readonly number[]): void {
    const length = this.gather(seen, cells) / 2;
    if (length === 0) {
      copyField(out, stored);
      return;
    }
    if (by.length < length) by = new Int32Array(length * 2);
    let n = 0;
    for (const cell of cells) for (let i = seen.starts[cell]!; i < seen.starts[cell + 1]!; i++) by[n++] = seen.by![i]!;
    const begun = out.beginBytes(name);
    writeMembers(out, stored.bytes, beginOfSet(stored), endOfSet(stored), { lanes, by, length });
    out.endBytes(begun);
  }

  private writeAmounts(out: BsonWriter, name: Uint8Array, stored: StoredField, at: number, cells: readonly number[]): void {
    let sums: { [currency: string]: number | bigint } | undefined;
    const { first, next, numbers, currencyOf, currencies, measures } = this.paid!;
    for (let c = 0; c < cells.length && first.length > 0; c++) {
      for (let line = first[cells[c]!]!; line !== 0; line = next[line - 1]!) {
        const number = numbers[(line - 1) * measures + at]!;
        if (Number.isNaN(number)) continue;
        sums ??= amountsOf(stored);
        const currency = currencies[currencyOf[line - 1]!]!;
        sums[currency] = plus(sums[currency], number);
      }
    }
    if (sums === undefined) {
      copyField(out, stored);
      return;
    }
    out.field(bson.document, name);
    const begun = out.begin();
    const sorted = alphabetical(sums);
    for (const currency in sorted) out.number(currencyName(currency), sorted[currency]!);
    out.end(begun);
  }

  /** Puts the visitors of cells into `lanes`. @returns how far it is filled */
  private gather({ starts, visitors }: Seen, cells: readonly number[]): number {
    let n = 0;
    for (let c = 0; c < cells.length; c++) n += starts[cells[c]! + 1]! - starts[cells[c]!]!;
    if (lanes.length < n * 2) lanes = new Uint32Array(n * 4);
    let at = 0;
    for (let c = 0; c < cells.length; c++) {
      for (let i = starts[cells[c]!]!; i < starts[cells[c]! + 1]!; i++) {
        lanes[at++] = this.visitors.seconds[visitors[i]!]!;
        lanes[at++] = this.visitors.firsts[visitors[i]!]!;
      }
    }
    return at;
  }
}

/** Low and high halves of hashes in turn: those of the cells at hand. Places of work like these are made once, not for every set. */
let lanes = new Uint32Array(1024);
/** How often each of them is put in. */
let by = new Int32Array(512);
/** Of a capped set: who comes into it, and who does not. */
let fresh = new Uint32Array(1024);
let freshLength = 0;
let rest = new Uint32Array(1024);
let restLength = 0;
const noLanes = new Uint32Array(0);
const field = new StoredField();
const fieldBeyond = new StoredField();
const currencyNames = new Map<string, Uint8Array>();

function currencyName(currency: string): Uint8Array {
  let name = currencyNames.get(currency);
  if (name === undefined) currencyNames.set(currency, (name = fieldName(currency)));
  return name;
}

/** Cells of a batch that belong to one dimension value of one bucket: a day's hours, an hour's minutes. */
export class CellRefs implements MeasuresDelta {
  constructor(
    private readonly contents: CellContents,
    private readonly cells: number[],
  ) {}

  add(cell: number): void {
    this.cells.push(cell);
  }

  /** @param others of the same batch and family */
  joined(others: readonly CellRefs[]): CellRefs {
    return new CellRefs(
      this.contents,
      others.reduce((cells, other) => cells.concat(other.cells), this.cells),
    );
  }

  writeInto(out: BsonWriter, stored: Uint8Array, at: number): void {
    this.contents.writeInto(out, stored, at, this.cells);
  }

  writeCapped(out: BsonWriter, stored: StoredPart, beyond: BsonWriter, storedBeyond: StoredPart, setMax: number): boolean {
    return this.contents.writeCapped(out, stored, beyond, storedBeyond, this.cells, setMax);
  }
}

const beginOfPart = ({ at }: StoredPart): number => (at === 0 ? 0 : at + 4);
const endOfPart = ({ bytes, at }: StoredPart): number => (at === 0 ? 0 : at + int32At(bytes, at) - 1);

/** Points `found` to the field at `at` if that has this name, to nothing otherwise. @returns where the next field begins */
function findField(found: StoredField, bytes: Uint8Array, at: number, end: number, name: Uint8Array): number {
  if (at === end || !isNamed(bytes, at + 1, name)) {
    found.at = 0;
    return at;
  }
  found.bytes = bytes;
  found.type = bytes[at]!;
  found.from = at;
  found.at = at + 1 + name.length;
  return (found.end = endOf(bytes, found.type, found.at));
}

function mustBeAtEnd(at: number, end: number): void {
  if (at !== end) throw new Error('a stored document holds a measure that its family does not have');
}

function copyField(out: BsonWriter, stored: StoredField): void {
  if (stored.at !== 0) out.range(stored.bytes, stored.from, stored.end);
}

/** A set stands behind its length and subtype. */
const beginOfSet = ({ at }: StoredField): number => (at === 0 ? 0 : at + 5);
const endOfSet = ({ at, end }: StoredField): number => (at === 0 ? 0 : end);

function writeSet(out: BsonWriter, name: Uint8Array, stored: StoredField, added: Uint32Array, length: number): void {
  if (length === 0) {
    copyField(out, stored);
    return;
  }
  const begun = out.beginBytes(name);
  writeHashes(out, stored.bytes, beginOfSet(stored), endOfSet(stored), added, length);
  out.endBytes(begun);
}

function amountsOf({ bytes, at, end }: StoredField): { [currency: string]: number | bigint } {
  const amounts: { [currency: string]: number | bigint } = {};
  if (at === 0) return amounts;
  for (let next = at + 4; next < end - 1;) {
    const content = bytes.indexOf(0, next + 1) + 1;
    amounts[nameAt(bytes, next + 1, content - 1)] = numberAt(bytes, bytes[next]!, content);
    next = endOf(bytes, bytes[next]!, content);
  }
  return amounts;
}

/** The first `setMax` hashes ever seen stay together, in the order of the log; whatever comes later is the rest, repetitions included. */
function splitSet(stored: StoredField, length: number, setMax: number): void {
  freshLength = restLength = 0;
  if (length === 0) return;
  if (rest.length < length) rest = new Uint32Array(length * 2);
  if (fresh.length < length) fresh = new Uint32Array(length * 2);
  const known = stored.at === 0 ? noLanes : lanesOfSet(stored.bytes.subarray(beginOfSet(stored), endOfSet(stored)));
  for (let i = 0; i < length; i += 2) {
    const lo = lanes[i]!;
    const hi = lanes[i + 1]!;
    if (holds(known, known.length, lo, hi) || holds(fresh, freshLength, lo, hi)) continue;
    if (known.length + freshLength < setMax * 2) {
      fresh[freshLength++] = lo;
      fresh[freshLength++] = hi;
    } else {
      rest[restLength++] = lo;
      rest[restLength++] = hi;
    }
  }
}

function holds(among: Uint32Array, length: number, lo: number, hi: number): boolean {
  for (let i = 0; i < length; i += 2) if (among[i] === lo && among[i + 1] === hi) return true;
  return false;
}
