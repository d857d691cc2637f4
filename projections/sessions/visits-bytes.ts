import type { ByteReader, ByteWriter } from '../kit/bytes';
import { readKnownText } from '../kit/known-bytes';
import { readOrigin, writeOrigin } from './origin-bytes';
import { type Amount, type Completion, goal, pageview, sale, SessionFacts, type Sale } from './session-facts';
import type { Visit } from './visit';
import { codeFrom, kindsOf, originNumberOf, pageNumberOf } from './visitor-events';
import type { Visits } from './visits';

const isNewFlag = 1;
const hasHeadFlag = 2;
const hasIdFlag = 4;

// One visitor after the other is written, and read.
let lastTime = 0;

/**
 * The bytes of a visitor's sessions: the origins and pages of their events, then the sessions, whose events name those by number. Times
 * are distances from the time before, the first from 1970.
 */
export function writeVisits(visits: Visits, out: ByteWriter): void {
  const { events, runs, named, earliest, earliestId } = visits;
  if (runs.length + named.length === 0) return;
  lastTime = 0;
  out.varint(events.originCount);
  for (let i = 0; i < events.originCount; i++) writeOrigin(events.originAt(i), out);
  out.varint(events.pageCount);
  for (let i = 0; i < events.pageCount; i++) out.text(events.pageAt(i));
  writeTime(earliest, out);
  out.text(earliestId);
  out.varint(runs.length);
  out.varint(named.length);
  const first = visits.first();
  for (let i = 0; i < runs.length; i++) writeVisit(runs[i]!, runs[i] === first, out);
  for (let i = 0; i < named.length; i++) writeVisit(named[i]!, named[i] === first, out);
}

/** Into a cleared state. */
export function readVisits(from: ByteReader, visits: Visits): void {
  const { events, runs, named } = visits;
  lastTime = 0;
  for (let left = from.varint(); left > 0; left--) events.addOrigin(readOrigin(from));
  for (let left = from.varint(); left > 0; left--) events.addPage(readKnownText(from));
  visits.earliest = readTime(from);
  visits.earliestId = readKnownText(from);
  const runsLeft = from.varint();
  const namedLeft = from.varint();
  for (let i = 0; i < runsLeft; i++) runs.push(readVisit(from, visits));
  for (let i = 0; i < namedLeft; i++) named.push(readVisit(from, visits));
  visits.firstTouch = visits.first()?.originOfFirst(events).touch;
}

function writeVisit(visit: Visit, isNew: boolean, out: ByteWriter): void {
  const { id, head, sales, completions, count } = visit;
  out.varint((isNew ? isNewFlag : 0) + (head === undefined ? 0 : hasHeadFlag) + (id === '' ? 0 : hasIdFlag));
  if (id !== '') out.text(id);
  if (head !== undefined) writeFacts(head, out);
  out.varint(count);
  for (let place = 0; place < count; place++) {
    const code = visit.codeAt(place);
    const kinds = kindsOf(code);
    writeTime(visit.timeAt(place), out);
    out.varint(kinds);
    out.varint(originNumberOf(code));
    if ((kinds & pageview) !== 0) out.varint(pageNumberOf(code));
  }
  if (sales !== undefined) for (let i = 0; i < sales.length; i++) writeSale(sales[i]!, out);
  if (completions !== undefined) for (let i = 0; i < completions.length; i++) writeCompletion(completions[i]!, out);
}

function readVisit(from: ByteReader, visits: Visits): Visit {
  const flags = from.varint();
  const visit = visits.newVisit((flags & hasIdFlag) === 0 ? '' : readKnownText(from));
  visit.isCounted = true;
  visit.isNew = (flags & isNewFlag) !== 0;
  if ((flags & hasHeadFlag) !== 0) visit.head = readFacts(from);
  let sales = 0;
  let completions = 0;
  for (let left = from.varint(); left > 0; left--) {
    const time = readTime(from);
    const kinds = from.varint();
    const origin = from.varint();
    visit.push(time, codeFrom(kinds, origin, (kinds & pageview) === 0 ? 0 : from.varint()));
    if ((kinds & sale) !== 0) sales++;
    if ((kinds & goal) !== 0) completions++;
  }
  if (sales > 0) visit.sales = Array.from({ length: sales }, () => readSale(from));
  if (completions > 0) visit.completions = Array.from({ length: completions }, () => readCompletion(from));
  return visit;
}

function writeFacts(facts: SessionFacts, out: ByteWriter): void {
  writeTime(facts.start, out);
  writeTime(facts.end, out);
  writeOrigin(facts.origin, out);
  out.varint(facts.events);
  out.varint(facts.pageviews);
  if (facts.pageviews > 0) {
    writeTime(facts.entryTime, out);
    out.text(facts.entryPage);
    writeTime(facts.exitTime, out);
    out.text(facts.exitPage);
  }
  out.varint(facts.isEngaging ? 1 : 0);
  out.varint(facts.addToCarts);
  out.varint(facts.checkouts);
  out.varint(facts.sales?.length ?? 0);
  for (const sold of facts.sales ?? []) writeSale(sold, out);
  out.varint(facts.completed?.length ?? 0);
  for (const { goal: place, count, values } of facts.completed ?? []) {
    out.varint(place);
    out.varint(count);
    out.varint(values.length);
    for (const value of values) writeValue(value, out);
  }
}

function readFacts(from: ByteReader): SessionFacts {
  const facts = new SessionFacts();
  facts.start = readTime(from);
  facts.end = readTime(from);
  facts.origin = readOrigin(from);
  facts.events = from.varint();
  facts.pageviews = from.varint();
  if (facts.pageviews > 0) {
    facts.entryTime = readTime(from);
    facts.entryPage = readKnownText(from);
    facts.exitTime = readTime(from);
    facts.exitPage = readKnownText(from);
  }
  facts.isEngaging = from.varint() === 1;
  facts.addToCarts = from.varint();
  facts.checkouts = from.varint();
  const currencies = from.varint();
  for (let i = 0; i < currencies; i++) facts.sell(readSale(from));
  for (let left = from.varint(); left > 0; left--) {
    const place = from.varint();
    const count = from.varint();
    facts.complete(
      place,
      count,
      Array.from({ length: from.varint() }, () => readValue(from)),
    );
  }
  return facts;
}

function writeSale({ currency, orders, revenue, tax, shipping, refunds, items }: Sale, out: ByteWriter): void {
  out.text(currency);
  out.varint(orders);
  writeAmount(revenue, out);
  writeAmount(tax, out);
  writeAmount(shipping, out);
  writeAmount(refunds, out);
  writeAmount(items, out);
}

function readSale(from: ByteReader): Sale {
  return {
    currency: readKnownText(from),
    orders: from.varint(),
    revenue: readAmount(from),
    tax: readAmount(from),
    shipping: readAmount(from),
    refunds: readAmount(from),
    items: readAmount(from),
  };
}

/** How many goals, their places, and whether there is a value. */
function writeCompletion({ goals, value }: Completion, out: ByteWriter): void {
  out.varint(goals.length);
  for (const place of goals) out.varint(place);
  out.varint(value === undefined ? 0 : 1);
  if (value !== undefined) writeValue(value, out);
}

function readCompletion(from: ByteReader): Completion {
  const goals = Array.from({ length: from.varint() }, () => from.varint());
  return { goals, value: from.varint() === 0 ? undefined : readValue(from) };
}

function writeValue({ currency, minorUnits }: Amount, out: ByteWriter): void {
  out.text(currency);
  writeAmount(minorUnits, out);
}

function readValue(from: ByteReader): Amount {
  return { currency: readKnownText(from), minorUnits: readAmount(from) };
}

/** Amounts beyond 2^52 exist only in nonsense, and must not stop a flush: they follow as they are. */
const amountMax = 2 ** 50;

function writeAmount(amount: number, out: ByteWriter): void {
  if (Number.isInteger(amount) && amount >= 0 && amount < amountMax) return out.varint(amount + 1);
  out.varint(0);
  out.f64(amount);
}

function readAmount(from: ByteReader): number {
  const next = from.varint();
  return next === 0 ? from.f64() : next - 1;
}

function writeTime(time: number, out: ByteWriter): void {
  out.signed(time - lastTime);
  lastTime = time;
}

function readTime(from: ByteReader): number {
  return (lastTime += from.signed());
}
