import { bucketOf } from '../../projections/kit/document';
import type { StoredMeasure, StoredMeasures } from '../../projections/kit/measures';
import { documentsMax, type Stretch } from './coverage';
import type { ReportDocuments } from './documents';
import { keyOf, refine, type FinerBudget, type RefinedSets, type RefinedSource, type Side } from './refining';
import { refused, type Refused } from './refusal';
import { bucketStart, pagesOf, type FamilyOfMerchant } from './scanning';

/** Which visitors are counted. Bots are flagged when events are folded and never removed: the choice is made at reading. */
export const botChoices = ['exclude', 'include', 'only'] as const;
export type BotChoice = (typeof botChoices)[number];

export interface Source extends FamilyOfMerchant {
  readonly stretches: readonly Stretch[];
  readonly bots: BotChoice;
  /** Only this value of the dimension; undefined: all. */
  readonly value: string | undefined;
  /** The sets of visitors that are needed, by name of the measure. */
  readonly distincts: readonly string[];
  readonly finer: FinerBudget;
}

/** Receives what documents hold, in order of time within each stretch; a value of one bucket may come in several parts. */
export interface Receiver {
  /** @param bucket start of the document's bucket, epoch ms */
  value(bucket: number, value: string, measures: StoredMeasures): void;
  /** Values beyond the exact ones of that bucket, together. */
  other(bucket: number, measures: StoredMeasures): void;
}

const sidesOf: { readonly [choice in BotChoice]: readonly Side[] } = { exclude: ['h'], include: ['h', 'b'], only: ['b'] };

/** Reads the documents of one family over stretches of time and hands over what they hold of the chosen visitors. */
export async function readFamily(documents: ReportDocuments, source: Source, receiver: Receiver): Promise<Refused | undefined> {
  const { standing, family, stretches, value: wanted } = source;
  const refined: RefinedSource = { ...source, sides: sidesOf[source.bots] };
  let read = 0;
  for (const stretch of stretches) {
    for await (const page of pagesOf(documents, source, stretch)) {
      read += page.length;
      if (read > documentsMax)
        return refused('from, to', `more than ${documentsMax} documents of ${family} lie in this range: ask for a shorter one`);
      const sets = await refine(documents, refined, stretch, page);
      for (const document of page) {
        const name = bucketOf(document._id);
        const bucket = bucketStart(stretch.granularity, standing.timezone, name);
        for (const stored of document.values) {
          if (wanted !== undefined && stored.v !== wanted) continue;
          for (const side of refined.sides) {
            const measures = stored[side];
            if (measures === undefined) continue;
            if (sets.size === 0) receiver.value(bucket, stored.v, measures);
            else for (const part of partsOf(measures, name, side, stored.v, refined, sets)) receiver.value(bucket, stored.v, part);
          }
        }
        for (const side of refined.sides) {
          const measures = document.other?.[side];
          if (measures !== undefined) receiver.other(bucket, measures);
        }
      }
    }
  }
  return undefined;
}

/** The measures with exact sets in place of the sketches that have any. */
function* partsOf(
  measures: StoredMeasures,
  bucket: string,
  side: Side,
  value: string,
  { distincts }: RefinedSource,
  refined: RefinedSets,
): Generator<StoredMeasures> {
  const rest: { [measure: string]: StoredMeasure } = { ...measures };
  for (const measure of distincts) {
    const sets = refined.get(keyOf(bucket, side, measure, value));
    if (sets === undefined || sets.length === 0) continue;
    delete rest[measure];
    for (const set of sets) yield { [measure]: set };
  }
  yield rest;
}
