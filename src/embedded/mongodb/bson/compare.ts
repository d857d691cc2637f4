import { KeyWriter, numberRank, typeRank } from './key-codec';
import { exactNumber } from './number-key';
import { BsonType, type RawValue } from './raw';

const left = new KeyWriter();
const right = new KeyWriter();

/** MongoDB's comparison order over values where they lie: negative, zero or positive. NaN is the smallest number and equals itself. */
export function compareRaw(
  aType: number,
  aBytes: Buffer,
  aStart: number,
  aEnd: number,
  bType: number,
  bBytes: Buffer,
  bStart: number,
  bEnd: number,
): number {
  const rank = typeRank(aType);
  const difference = rank - typeRank(bType);
  if (difference !== 0) return difference;
  if (rank === numberRank) {
    const a = exactNumber(aBytes, aType, aStart);
    const b = exactNumber(bBytes, bType, bStart);
    if (a !== undefined && b !== undefined) {
      if (a < b) return -1;
      if (a > b) return 1;
      if (a === b) return 0;
      return (a === a ? 1 : 0) - (b === b ? 1 : 0);
    }
  } else if (aType === BsonType.string && bType === BsonType.string) {
    return aBytes.compare(bBytes, bStart + 4, bEnd - 1, aStart + 4, aEnd - 1);
  }
  const a = left.reset().value(aType, aBytes, aStart, aEnd).view();
  const b = right.reset().value(bType, bBytes, bStart, bEnd).view();
  return a.compare(b);
}

export function compareValues(a: RawValue, b: RawValue): number {
  return compareRaw(a.type, a.bytes, a.start, a.end, b.type, b.bytes, b.start, b.end);
}
