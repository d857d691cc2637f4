import { dimensionNames, type Dimension, type DimensionName } from '../../projections/metrics';
import { refused, type Refused } from './refusal';

const propertyPrefix = 'property:';
const written = (name: DimensionName): string => (name === 'property' ? `${propertyPrefix}<name>` : name);
export const writtenDimensions: readonly string[] = dimensionNames.map(written);

export const dimensionPattern = new RegExp(`^(${dimensionNames.filter((name) => name !== 'property').join('|')}|property:.{1,64})$`, 's');

/** As requests name it: `country`, or `property:color`. */
export const nameOf = ({ name, property }: Dimension): string => (property === undefined ? name : propertyPrefix + property);

export function readDimension(parameter: string, text: string): Dimension | Refused {
  if (text.startsWith(propertyPrefix) && text.length > propertyPrefix.length)
    return { name: 'property', property: text.slice(propertyPrefix.length) };
  const name = dimensionNames.find((known) => known === text && known !== 'property');
  return name === undefined
    ? refused(parameter, `'${text.slice(0, 64)}' is not a dimension; allowed are ${writtenDimensions.join(', ')}`)
    : { name };
}

/** `dimension==value`: only what happened with that value counts. */
export interface Filter {
  readonly dimension: Dimension;
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
  if (/[;,](\w+|property:[^=!]+)(==|!=|=~)/.test(value))
    return refused('filter', 'takes one condition: numbers are counted by one dimension at a time');
  const dimension = readDimension('filter', text.slice(0, at));
  return 'unanswered' in dimension ? dimension : { dimension, value };
}
