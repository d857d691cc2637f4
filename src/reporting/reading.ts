import { bucketOf } from '../../projections/kit/document';
import type { StoredMeasures } from '../../projections/kit/measures';
import { documentsMax, type Stretch } from './coverage';
import type { ReportDocuments } from './documents';
import type { FamilyPlan, PlannedValues } from './plan';
import { keyOf, refine, type FinerBudget, type RefinedSource, type Side } from './refining';
import { refused, type Refused } from './refusal';
import { bucketStart, pagesOf, type FamilyOfMerchant } from './scanning';
import type { Sheet } from './sheet';

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
  const { standing, family, stretches, picks, wanted } = source;
  const { receiver, sheet } = target;
  const pick = picker(picks, wanted);
  const refined: RefinedSource = { ...source, sides: sidesOf[source.bots], wants: (stored) => pick(stored) !== undefined };
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
          const picked = pick(stored.v);
          const row = picked && receiver.rowOf(bucket, stored.v.slice(picked.prefix.length));
          if (row === undefined) continue;
          for (const side of refined.sides) {
            const measures = stored[side];
            if (measures !== undefined) add(target, row, picked!, measures, (name_) => sets.get(keyOf(name, side, name_, stored.v)));
          }
        }
        if (document.other === undefined) continue;
        const told = picks.find(({ prefix }) => prefix === '');
        const row = receiver.beyond(told !== undefined);
        if (row === undefined || told === undefined) continue;
        for (const side of refined.sides) {
          const measures = document.other[side];
          if (measures !== undefined) add({ sheet, total: undefined }, row, told, measures, () => undefined);
        }
      }
    }
  }
  return undefined;
}

/** Finds the part of a plan that a stored value belongs to. */
function picker(picks: readonly PlannedValues[], wanted: Source['wanted']): (stored: string) => PlannedValues | undefined {
  if (wanted === 'each') return (stored) => picks.find(({ prefix }) => stored.startsWith(prefix));
  const byValue = new Map(picks.map((pick) => [pick.prefix + wanted.exactly, pick]));
  return (stored) => byValue.get(stored);
}

/** Adds measures to a row and to the total, with exact sets in place of the sketches that have any. */
function add(
  { sheet, total }: Pick<Target, 'sheet' | 'total'>,
  row: number,
  { slots }: PlannedValues,
  measures: StoredMeasures,
  exactly: (measure: string) => readonly Uint8Array[] | undefined,
): void {
  for (const [name, slot] of slots) {
    const stored = measures[name];
    if (stored === undefined) continue;
    const sets = stored instanceof Uint8Array ? exactly(name) : undefined;
    for (const measure of sets === undefined || sets.length === 0 ? [stored] : sets) {
      sheet.add(row, slot, measure);
      if (total !== undefined) sheet.add(total, slot, measure);
    }
  }
}
