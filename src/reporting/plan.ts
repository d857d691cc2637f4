import { familyOfLabel } from '../../projections/kit/document';
import type { Granularity } from '../../projections/kit/projection';
import {
  dimensionNames,
  measuresOf,
  placeOf,
  type Dimension,
  type Measure,
  type MetricDefinition,
  type Place,
} from '../../projections/metrics';
import { nameOf, writtenDimensions } from './dimension';
import type { MetricList } from './metric-list';
import { refused, type Refused } from './refusal';

/** Where the metrics of a request are read, in total or by one dimension, and how each is made of what is read. */
export interface Plan {
  readonly list: MetricList;
  readonly by: Dimension | undefined;
  readonly families: readonly FamilyPlan[];
  /** The measures read, each once, by number. */
  readonly slots: readonly Measure['kind'][];
  /** Of each metric of the list: the numbers of its measures. */
  readonly makings: readonly Making[];
  /** The projections read, that of the first metric first. */
  readonly projections: readonly string[];
}

/** Documents that hold some of the measures. */
export interface FamilyPlan {
  readonly projection: string;
  readonly family: string;
  /** Finer documents there are none. */
  readonly finest: Granularity;
  /** Of totals by label: whose. */
  readonly label?: string | undefined;
  /** Which of the values they hold are meant: more than one where they hold several goals. */
  readonly picks: readonly PlannedValues[];
}
export interface PlannedValues {
  /** What values begin with, before the value of the dimension; in totals all of it. */
  readonly prefix: string;
  /** By the name the measure is stored under. */
  readonly slots: ReadonlyMap<string, number>;
}

export interface Making {
  readonly definition: MetricDefinition;
  readonly of: number;
  /** That of `of` where the definition has none. */
  readonly per: number;
}

interface Draft {
  projection: string;
  family: string;
  finest: Granularity;
  label: string | undefined;
  picks: Map<string, Map<string, number>>;
}

/** @param placed where measures are read */
export function planOf(
  list: MetricList,
  by: Dimension | undefined,
  placed: (measure: Measure, by: Dimension | undefined) => Place | undefined = placeOf,
): Plan | Refused {
  const drafts = new Map<string, Draft>();
  const slots: Measure['kind'][] = [];
  const slotOf = (measure: Measure): number | undefined => {
    const place = placed(measure, by);
    if (place === undefined) return undefined;
    const { projection, family, finest, label } = place;
    const key = label === undefined ? family : familyOfLabel(family, label);
    let draft = drafts.get(key);
    if (draft === undefined) drafts.set(key, (draft = { projection, family, finest, label, picks: new Map() }));
    let pick = draft.picks.get(place.prefix);
    if (pick === undefined) draft.picks.set(place.prefix, (pick = new Map<string, number>()));
    let slot = pick.get(place.name);
    if (slot === undefined) pick.set(place.name, (slot = slots.push(totalOf(measure)) - 1));
    return slot;
  };
  const makings: Making[] = [];
  for (const [i, definition] of list.definitions.entries()) {
    const [of, per] = measuresOf(definition).map(slotOf);
    if (of === undefined || (per === undefined && measuresOf(definition).length > 1)) return notCounted(list.names[i]!, definition, by);
    if (definition.shown === 'money' && per !== undefined) slots[per] = measuresOf(definition)[1]!.kind;
    makings.push({ definition, of, per: per ?? of });
  }
  const families = [...drafts.values()].map((draft) => ({
    ...draft,
    picks: [...draft.picks].map(([prefix, names]) => ({ prefix, slots: names })),
  }));
  return { list, by, families, slots, makings, projections: [...new Set(families.map(({ projection }) => projection))] };
}

/** What is counted by currency is one number, unless amounts are divided by it. */
const totalOf = ({ kind }: Measure): Measure['kind'] => (kind === 'countByCurrency' ? 'counter' : kind);

function notCounted(name: string, definition: MetricDefinition, by: Dimension | undefined): Refused {
  const isCountedBy = (dimension: Dimension | undefined): boolean =>
    measuresOf(definition).every((measure) => placeOf(measure, dimension) !== undefined);
  const possible = writtenDimensions.filter((_, i) => isCountedBy({ name: dimensionNames[i]! }));
  const instead = possible.length > 0 ? `it is counted by ${possible.join(', ')}` : 'it has totals only';
  return refused('metrics', `'${name}' is not counted ${by === undefined ? 'in total' : `by ${nameOf(by)}`}; ${instead}`);
}
