import type { Span } from './calendar';
import { coverage, type Stretch } from './coverage';
import type { ReportDocuments } from './documents';
import type { Plan } from './plan';
import { readFamily, type BotChoice, type Receiver, type Target } from './reading';
import type { FinerBudget } from './refining';
import type { Rates } from './rates';
import { isUnanswered, refused, type Refused } from './refusal';
import { Sheet } from './sheet';
import type { Standing } from './standing';

/** What to count, where it is kept, and how far it is counted: all that reading needs to know. */
export interface Question {
  readonly merchantId: string;
  readonly plan: Plan;
  /** Of each projection of the plan, read before any document. */
  readonly standings: readonly Standing[];
  readonly span: Span;
  readonly bots: BotChoice;
  /** What amounts are converted with; undefined: currencies stay apart. */
  readonly rates?: Rates | undefined;
  /** Of the whole answer, for exact sets where documents have sketches. */
  readonly finer: FinerBudget;
}

/** Values one breakdown may hold in memory. */
const valuesMax = 200_000;

export interface CountedRows {
  /** A row for each start, and then the total. */
  readonly sheet: Sheet;
  /** Of the whole span: visitors are merged, so someone who came on two days is one visitor. */
  readonly total: number;
  readonly overflow: boolean;
}

/**
 * Counts a row for each of `starts`, ascending, the last one ending with the span.
 * @param value of the plan's dimension; undefined for totals
 */
export async function countRows(
  documents: ReportDocuments,
  question: Question,
  starts: readonly number[],
  value: string | undefined,
): Promise<CountedRows | Refused> {
  const total = starts.length;
  const sheet = new Sheet(question.plan.slots, total + 1, question.rates);
  let overflow = false;
  const failure = await readAll(documents, question, starts, { sheet, total }, { exactly: value ?? '' }, () => {
    let row = 0;
    return {
      rowOf: (bucket) => {
        // Stretches are read in order of time; the first row begins at or before the span.
        while (row + 1 < starts.length && starts[row + 1]! <= bucket) row++;
        return row;
      },
      beyond: () => {
        overflow = true;
        return undefined;
      },
    };
  });
  const refusal = failure ?? convert(sheet, total);
  return refusal ?? { sheet, total, overflow };
}

export interface CountedValues {
  readonly sheet: Sheet;
  /** The row of each value. */
  readonly values: ReadonlyMap<string, number>;
  /** The row of all values beyond those kept apart; undefined when there were none. */
  readonly other: number | undefined;
  /** There were values of which not even the sum is known. */
  readonly overflow: boolean;
}

/** Counts every value of the plan's dimension, or only `value` of it. */
export async function countValues(
  documents: ReportDocuments,
  question: Question,
  value: string | undefined,
): Promise<CountedValues | Refused> {
  const sheet = new Sheet(question.plan.slots, 0, question.rates);
  const values = new Map<string, number>();
  let other: number | undefined;
  let overflow = false;
  const receiver: Receiver = {
    rowOf: (_bucket, found) => {
      let row = values.get(found);
      if (row === undefined && values.size < valuesMax) values.set(found, (row = sheet.addRow()));
      return row;
    },
    beyond: (isTold) => {
      if (isTold) return (other ??= sheet.addRow());
      overflow = true;
      return undefined;
    },
  };
  const failure = await readAll(
    documents,
    question,
    [],
    { sheet, total: undefined },
    value === undefined ? 'each' : { exactly: value },
    () => receiver,
  );
  if (values.size >= valuesMax) return refused('from, to', `more than ${valuesMax} values occur in this range: ask for a shorter one`);
  const refusal = failure ?? convert(sheet, undefined);
  return refusal ?? { sheet, values, other, overflow };
}

function convert(sheet: Sheet, total: number | undefined): Refused | undefined {
  if (sheet.dated?.isOverfull) return refused('from, to', 'more amounts than one answer converts lie in this range: ask for a shorter one');
  sheet.convert(total);
  return undefined;
}

async function readAll(
  documents: ReportDocuments,
  { merchantId, plan, standings, span, bots, finer }: Question,
  starts: readonly number[],
  target: Omit<Target, 'receiver'>,
  wanted: 'each' | { exactly: string },
  receiverOf: () => Receiver,
): Promise<Refused | undefined> {
  const standingOf = new Map(standings.map((standing) => [standing.projection, standing]));
  const readings: { standing: Standing; family: Plan['families'][number]; stretches: Stretch[] }[] = [];
  for (const family of plan.families) {
    const standing = standingOf.get(family.projection)!;
    const stretches = coverage(span, starts, standing.timezone, family.finest);
    if (isUnanswered(stretches)) return stretches;
    readings.push({ standing, family, stretches });
  }
  const outcomes = await Promise.all(
    readings.map(({ standing, family, stretches }) => {
      const distincts = [
        ...new Set(family.picks.flatMap(({ slots }) => [...slots.keys()].filter((name) => isSet(plan, slots.get(name)!)))),
      ];
      const source = { merchantId, standing, ...family, stretches, bots, wanted, distincts, finer };
      return readFamily(documents, source, { ...target, receiver: receiverOf() });
    }),
  );
  return outcomes.find((outcome) => outcome !== undefined);
}

const isSet = (plan: Plan, slot: number): boolean => plan.slots[slot] === 'distinct';
