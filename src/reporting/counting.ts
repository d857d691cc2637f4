import type { StoredMeasures } from '../../projections/kit/measures';
import type { Span } from './calendar';
import { coverage } from './coverage';
import type { ReportDocuments } from './documents';
import type { MetricList } from './metric-list';
import { readFamily, type BotChoice } from './reading';
import type { FinerBudget } from './refining';
import { isUnanswered, refused, type Refused } from './refusal';
import type { Standing } from './standing';
import { Tallies } from './tallies';

/** What to count, where it is kept, and how far it is counted: all that reading needs to know. */
export interface Question {
  readonly merchantId: string;
  readonly list: MetricList;
  /** Family of documents by projection. */
  readonly families: ReadonlyMap<string, string>;
  /** One a projection of the list; read before any document. */
  readonly standings: readonly Standing[];
  readonly span: Span;
  readonly bots: BotChoice;
  /** Of the whole answer, for exact sets where documents have sketches. */
  readonly finer: FinerBudget;
}

/** Values one breakdown may hold in memory. */
const valuesMax = 200_000;

export interface CountedRows {
  readonly rows: readonly Tallies[];
  /** Over the whole span: visitors are merged, so someone who came on two days is one visitor. */
  readonly total: Tallies;
  readonly overflow: boolean;
}

/**
 * Counts a row for each of `starts`, ascending, the last one ending with the span.
 * @param value of the dimension the families are of; undefined for totals
 */
export async function countRows(
  documents: ReportDocuments,
  question: Question,
  starts: readonly number[],
  value: string | undefined,
): Promise<CountedRows | Refused> {
  const rows = starts.map(() => new Tallies());
  const total = new Tallies();
  let overflow = false;
  const failure = await readAll(
    question,
    starts,
    value === undefined ? 'totals' : 'dimension',
    value,
    (projection, needed) => {
      let row = 0;
      return {
        value: (bucket, _value, measures) => {
          // Stretches are read in order of time; the first row begins at or before the span.
          while (row + 1 < starts.length && starts[row + 1]! <= bucket) row++;
          rows[row]!.add(projection, measures, needed);
          total.add(projection, measures, needed);
        },
        other: () => (overflow = true),
      };
    },
    documents,
  );
  return failure ?? { rows, total, overflow };
}

export interface CountedValues {
  readonly values: ReadonlyMap<string, Tallies>;
  /** All values beyond those kept apart; undefined when there were none. */
  readonly other: Tallies | undefined;
}

/** Counts every value of a dimension, or only `value` of it. */
export async function countValues(
  documents: ReportDocuments,
  question: Question,
  value: string | undefined,
): Promise<CountedValues | Refused> {
  const values = new Map<string, Tallies>();
  let other: Tallies | undefined;
  const failure = await readAll(
    question,
    [],
    'dimension',
    value,
    (projection, needed) => ({
      value: (_bucket, found, measures) => {
        let tallies = values.get(found);
        if (tallies === undefined) {
          if (values.size >= valuesMax) return;
          values.set(found, (tallies = new Tallies()));
        }
        tallies.add(projection, measures, needed);
      },
      other: (_bucket, measures) => (other ??= new Tallies()).add(projection, measures, needed),
    }),
    documents,
  );
  if (values.size >= valuesMax) return refused('from, to', `more than ${valuesMax} values occur in this range: ask for a shorter one`);
  return failure ?? { values, other };
}

type ReceiverOf = (
  projection: string,
  needed: ReadonlySet<string>,
) => { value(bucket: number, value: string, measures: StoredMeasures): void; other(bucket: number, measures: StoredMeasures): void };

async function readAll(
  question: Question,
  starts: readonly number[],
  kind: 'totals' | 'dimension',
  value: string | undefined,
  receiverOf: ReceiverOf,
  documents: ReportDocuments,
): Promise<Refused | undefined> {
  const { merchantId, list, families, standings, span, bots, finer } = question;
  const plans = standings.map((standing) => coverage(span, starts, standing.timezone, kind === 'dimension' ? 'hour' : 'minute'));
  for (const plan of plans) if (isUnanswered(plan)) return plan;
  const outcomes = await Promise.all(
    standings.map((standing, i) => {
      const { projection } = standing;
      const needed = list.measures.get(projection)!;
      const distincts = list.distincts.filter((ref) => ref.projection === projection).map(({ measure }) => measure);
      const stretches = plans[i] as Exclude<(typeof plans)[number], Refused>;
      return readFamily(
        documents,
        { merchantId, standing, family: families.get(projection)!, stretches, bots, value, distincts, finer },
        receiverOf(projection, needed),
      );
    }),
  );
  return outcomes.find((outcome) => outcome !== undefined);
}
