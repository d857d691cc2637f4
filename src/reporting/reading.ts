import { bucketOf } from '../../projections/kit/document';
import { dayNumberOf } from '../../projections/kit/zone';
import { documentsMax, type Stretch } from './coverage';
import type { ReportDocuments } from './documents';
import type { FamilyPlan, PlannedValues } from './plan';
import { keyOf, placeOf, refine, type FinerBudget, type RefinedSets } from './refining';
import { refused, type Refused } from './refusal';
import { bucketStart, pagesOf, type FamilyOfMerchant } from './scanning';
import type { Sheet } from './sheet';
import { StoredSet, type ReadMeasures, type Side, type Wanted } from './stored-bytes';

/** Which visitors are counted. Bots are flagged when events are folded and never removed: the choice is made at reading. */
export const botChoices = ['exclude', 'include', 'only'] as const;
export type BotChoice = (typeof botChoices)[number];

export interface Source extends FamilyOfMerchant, FamilyPlan {
  readonly stretches: readonly Stretch[];
  readonly bots: BotChoice;
  /** Each value of the dimension, or one; in totals that is ''. */
  readonly wanted: 'each' | { readonly exactly: string };
  /** The sets of visitors that are needed, by name of the measure. */
  readonly distincts: readonly string[];
  readonly finer: FinerBudget;
}

/** Says where numbers belong. Asked in order of time within each stretch. */
export interface Receiver {
  /** @param bucket start of the document's bucket, epoch ms */
  rowOf(bucket: number, value: string): number | undefined;
  /**
   * A bucket had more values than are kept apart. The row of what belongs to those.
   * @param isTold whether the documents say how much that is: they do not tell goals or properties apart in it
   */
  beyond(isTold: boolean): number | undefined;
}

export interface Target {
  readonly sheet: Sheet;
  /** A row that gets everything. */
  readonly total: number | undefined;
  readonly receiver: Receiver;
}

const sidesOf: { readonly [choice in BotChoice]: readonly Side[] } = { exclude: ['h'], include: ['h', 'b'], only: ['b'] };

/** Reads the documents of one family over stretches of time and adds up what they hold of the chosen visitors. */
export async function readFamily(documents: ReportDocuments, source: Source, target: Target): Promise<Refused | undefined> {
  const { standing, family, stretches, picks } = source;
  const { receiver, sheet } = target;
  const wants = wantedOf(source);
  const told = picks.find(({ prefix }) => prefix === '');
  let read = 0;
  for (const stretch of stretches) {
    for await (const page of pagesOf(documents, source, stretch, wants)) {
      read += page.length;
      if (read > documentsMax * standing.partitions)
        return refused(
          'from, to',
          `more than ${documentsMax * standing.partitions} documents of ${family} lie in this range: ask for a shorter one`,
        );
      const refined = await refine(documents, { ...source, wants }, stretch, page);
      for (const document of page) {
        const name = bucketOf(document._id);
        const bucket = bucketStart(stretch.granularity, standing.timezone, name);
        if (sheet.dated !== undefined) sheet.turnTo(dayNumberOf(standing.timezone, bucket));
        for (const stored of document.values) {
          const pick = pickOf(source, stored.v);
          const row = pick && receiver.rowOf(bucket, pick.prefix === '' ? stored.v : stored.v.slice(pick.prefix.length));
          if (row === undefined) continue;
          for (const side of wants.sides) {
            const measures = stored[side];
            if (measures === undefined) continue;
            if (refined.size === 0) add(sheet, row, target.total, pick!, measures);
            else addRefined(target, row, pick!, measures, refined, { place: placeOf(name, document._id), side, value: stored.v });
          }
        }
        if (document.other === undefined) continue;
        const row = receiver.beyond(told !== undefined);
        if (row === undefined || told === undefined) continue;
        for (const side of wants.sides) {
          const measures = document.other[side];
          if (measures !== undefined) add(sheet, row, undefined, told, measures);
        }
      }
    }
  }
  return undefined;
}

/** What has to be read of documents. */
function wantedOf({ picks, wanted, bots }: Source): Wanted {
  const prefixes = picks.map(({ prefix }) => prefix);
  const measures = [...new Set(picks.flatMap(({ slots }) => [...slots.keys()]))];
  const sides = sidesOf[bots];
  if (wanted !== 'each') return { sides, measures, values: { are: prefixes.map((prefix) => prefix + wanted.exactly) } };
  return { sides, measures, values: prefixes.includes('') ? undefined : { begin: prefixes } };
}

/** The part of the plan that a stored value belongs to. */
function pickOf({ picks, wanted }: Source, stored: string): PlannedValues | undefined {
  for (const pick of picks) {
    if (wanted === 'each' ? stored.startsWith(pick.prefix) : stored === pick.prefix + wanted.exactly) return pick;
  }
  return undefined;
}

function add(sheet: Sheet, row: number, total: number | undefined, { slots }: PlannedValues, measures: ReadMeasures): void {
  for (const [name, slot] of slots) {
    const measure = measures[name];
    if (measure !== undefined) sheet.add(row, slot, measure, total);
  }
}

/** As add, with exact sets in place of the sketches that have any. */
function addRefined(
  { sheet, total }: Target,
  row: number,
  { slots }: PlannedValues,
  measures: ReadMeasures,
  refined: RefinedSets,
  { place, side, value }: { place: string; side: Side; value: string },
): void {
  for (const [name, slot] of slots) {
    const measure = measures[name];
    if (measure === undefined) continue;
    const sets = measure instanceof StoredSet ? refined.get(keyOf(place, side, name, value)) : undefined;
    if (sets === undefined || sets.length === 0) sheet.add(row, slot, measure, total);
    else for (const set of sets) sheet.add(row, slot, set, total);
  }
}
