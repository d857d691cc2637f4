import { markCounted, newSession, newVisitor, type DimensionValues, type Visitor } from './session';

/**
 * Visitors as bytes, in the order given: restoring keeps the order of last activity. Little-endian:
 * u32 length of the table, the table, then per visitor u32 hi, u32 lo, u16 sessions, and per session u32 text number of its id,
 * f64 start, f64 end, u32 pageviews, u32 others, u32 number of its dimension values. The table is JSON: the texts and the
 * dimension values that occur, each once.
 */
interface Tables {
  texts: string[];
  values: (string | null)[][];
}
const visitorBytes = 10;
const sessionBytes = 32;

export function encodeVisitors(visitors: readonly Visitor[]): Uint8Array {
  let size = 0;
  for (const { sessions } of visitors) size += visitorBytes + sessions.length * sessionBytes;
  const rows = new DataView(new ArrayBuffer(size));
  const texts = new Map<string, number>();
  const values = new Map<string, number>();
  // Sessions of one block share their arrays of values: those need no comparing.
  const numberOf = new Map<DimensionValues, number>();
  let at = 0;
  for (const { hi, lo, sessions } of visitors) {
    rows.setUint32(at, hi, true);
    rows.setUint32(at + 4, lo, true);
    rows.setUint16(at + 8, sessions.length, true);
    at += visitorBytes;
    for (const session of sessions) {
      let number = numberOf.get(session.values);
      if (number === undefined) {
        number = intern(values, JSON.stringify(session.values));
        numberOf.set(session.values, number);
      }
      rows.setUint32(at, intern(texts, session.id), true);
      rows.setFloat64(at + 4, session.start, true);
      rows.setFloat64(at + 12, session.end, true);
      rows.setUint32(at + 20, session.pageviews, true);
      rows.setUint32(at + 24, session.others, true);
      rows.setUint32(at + 28, number, true);
      at += sessionBytes;
    }
  }
  const table = new TextEncoder().encode(`{"texts":${JSON.stringify([...texts.keys()])},"values":[${[...values.keys()].join(',')}]}`);
  const bytes = new Uint8Array(4 + table.length + size);
  new DataView(bytes.buffer).setUint32(0, table.length, true);
  bytes.set(table, 4);
  bytes.set(new Uint8Array(rows.buffer), 4 + table.length);
  return bytes;
}

/** At the end of a block every session is counted as it stands, so what is counted need not be stored. */
export function decodeVisitors(bytes: Uint8Array): Visitor[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const rowsAt = 4 + view.getUint32(0, true);
  const { texts, values } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, rowsAt))) as Tables;
  const shared = values.map((list): DimensionValues => list.map((value) => value ?? undefined));
  const visitors: Visitor[] = [];
  for (let at = rowsAt; at < bytes.length;) {
    const visitor = newVisitor(view.getUint32(at, true), view.getUint32(at + 4, true), []);
    const count = view.getUint16(at + 8, true);
    at += visitorBytes;
    for (let i = 0; i < count; i++, at += sessionBytes) {
      const session = newSession(texts[view.getUint32(at, true)]!, view.getFloat64(at + 4, true), shared[view.getUint32(at + 28, true)]!);
      session.end = view.getFloat64(at + 12, true);
      session.pageviews = view.getUint32(at + 20, true);
      session.others = view.getUint32(at + 24, true);
      markCounted(session);
      visitor.sessions.push(session);
    }
    visitors.push(visitor);
  }
  return visitors;
}

function intern(numbers: Map<string, number>, text: string): number {
  let number = numbers.get(text);
  if (number === undefined) numbers.set(text, (number = numbers.size));
  return number;
}
