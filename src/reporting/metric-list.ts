import { dimensions, metrics, type DimensionName, type MeasureRef, type MetricDefinition } from '../../projections/metrics';
import { refused, type Refused } from './refusal';

/** Metrics of one request, in the order asked for. */
export interface MetricList {
  readonly names: readonly string[];
  readonly definitions: readonly MetricDefinition[];
  /** The projections they are counted by, that of the first metric first. */
  readonly projections: readonly string[];
  /** Names of the measures needed, by projection. */
  readonly measures: ReadonlyMap<string, ReadonlySet<string>>;
  /** Those of them that are sets, each once. */
  readonly distincts: readonly MeasureRef[];
}

const metricsMax = 20;
const definitionOf = metrics as Readonly<Record<string, MetricDefinition>>;
export const metricNames: readonly string[] = Object.keys(metrics);
export const dimensionNames = Object.keys(dimensions) as readonly DimensionName[];

/** Reads the comma-separated `metrics` of a request. */
export function readMetrics(text: string): MetricList | Refused {
  const names = text.split(',').map((name) => name.trim());
  if (names.length > metricsMax) return refused('metrics', `at most ${metricsMax} at a time`);
  for (const [i, name] of names.entries()) {
    if (!Object.hasOwn(definitionOf, name))
      return refused('metrics', `'${name.slice(0, 64)}' is unknown; allowed are ${metricNames.join(', ')}`);
    if (names.indexOf(name) !== i) return refused('metrics', `'${name}' is asked for twice`);
  }
  const definitions = names.map((name) => definitionOf[name]!);
  const measures = new Map<string, Set<string>>();
  for (const { projection, measure } of definitions.flatMap(({ needs }) => needs)) {
    const known = measures.get(projection);
    if (known === undefined) measures.set(projection, new Set([measure]));
    else known.add(measure);
  }
  const distincts = new Map(
    definitions.flatMap((definition) => definition.distincts).map((ref) => [`${ref.projection}.${ref.measure}`, ref]),
  );
  return { names, definitions, projections: [...measures.keys()], measures, distincts: [...distincts.values()] };
}

/** The documents that hold the metrics: a family per projection, of its totals or of its values of one dimension. */
export function familiesOf(list: MetricList, dimension: DimensionName | undefined): ReadonlyMap<string, string> | Refused {
  if (dimension === undefined) return totalFamilies(list);
  for (const [i, definition] of list.definitions.entries()) {
    if (definition.dimensions.includes(dimension)) continue;
    const possible = definition.dimensions.length > 0 ? `it is counted by ${definition.dimensions.join(', ')}` : 'it has totals only';
    return refused('metrics', `'${list.names[i]}' is not counted by ${dimension}; ${possible}`);
  }
  return new Map(list.projections.map((projection) => [projection, dimensions[dimension][projection]!]));
}

export const totalFamilies = (list: MetricList): ReadonlyMap<string, string> =>
  new Map(list.projections.map((projection) => [projection, projection]));

export function readDimension(parameter: string, name: string): DimensionName | Refused {
  if (Object.hasOwn(dimensions, name)) return name as DimensionName;
  return refused(parameter, `'${name.slice(0, 64)}' is not a dimension; allowed are ${dimensionNames.join(', ')}`);
}

/** `dimension==value`: only what happened with that value counts. */
export interface Filter {
  readonly dimension: DimensionName;
  readonly value: string;
}

/** Reads `country==US`. One condition: numbers are counted by one dimension at a time. */
export function readFilter(text: string): Filter | Refused {
  const at = text.indexOf('==');
  if (at <= 0) {
    const negated = text.includes('!=');
    return refused('filter', `must be dimension==value, like country==US${negated ? '; != is not supported' : ''}`);
  }
  const value = text.slice(at + 2);
  if (/[;,](\w+)(==|!=|=~)/.test(value)) return refused('filter', 'takes one condition: numbers are counted by one dimension at a time');
  const dimension = readDimension('filter', text.slice(0, at));
  return typeof dimension === 'string' ? { dimension, value } : dimension;
}

export const isMoneyMetric = (name: string): boolean => definitionOf[name]?.kind === 'money';
