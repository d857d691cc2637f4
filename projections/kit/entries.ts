import type { TextColumn } from '../../src/domain/columns';
import { rowMatcher } from '../../src/domain/matching';
import type { Gathering, Names } from './gathering';
import { grown } from './grown';
import type { Lens } from './lens';
import { PairIndex } from './pair-index';
import type { DeclaredProjection, Dimension, Measure, PropertiesDimension, TextDimension } from './projection';

/** What a family counts in a block: rows, each once or several times, and the number of the value each counts under. */
export interface Entries {
  readonly rows: Uint32Array;
  /** Undefined: all count under one value, the totals. */
  readonly values: Uint32Array | undefined;
}

/** Rows to count, each under a label where there are any. */
export interface LabelledRows {
  readonly rows: Uint32Array;
  readonly labels: { readonly texts: readonly string[]; readonly of: Uint32Array } | undefined;
}

/** Value number of a dictionary entry that is left out. */
const leftOut = 0xffff_ffff;

/** Rows that at least one measure counts: most projections look at few event names. */
export function rowsThatCount(lens: Lens, measures: readonly Measure[]): Uint32Array {
  if (measures.some((measure) => measure.when === undefined)) return lens.rows;
  const masks = [...new Set(measures.map((measure) => measure.when!))].map((condition) => lens.rowsWhere(condition));
  const rows = new Uint32Array(lens.rows.length);
  let n = 0;
  for (let i = 0; i < lens.rows.length; i++) {
    const row = lens.rows[i]!;
    for (let m = 0; m < masks.length; m++) {
      if (masks[m]![row] === 1) {
        rows[n++] = row;
        break;
      }
    }
  }
  return rows.subarray(0, n);
}

/** Each row once under every label whose match it meets. */
export function rowsLabelled(
  lens: Lens,
  rows: Uint32Array,
  gathering: Gathering,
  labelsOf: NonNullable<DeclaredProjection['labels']>,
): LabelledRows {
  const labelled: number[] = [];
  const numbers: number[] = [];
  const texts: string[] = [];
  const seen = new Set<number>();
  for (let i = 0; i < rows.length; i++) seen.add(lens.merchants[rows[i]!]!);
  for (const merchant of seen) {
    const { definitions } = gathering.settings[merchant]!;
    for (const { label, match } of definitions === undefined ? [] : labelsOf(definitions)) {
      const isMatch = rowMatcher(lens.columns, match);
      const number = texts.push(label) - 1;
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!;
        if (lens.merchants[row] !== merchant || !isMatch(row)) continue;
        labelled.push(row);
        numbers.push(number);
      }
    }
  }
  return { rows: Uint32Array.from(labelled), labels: { texts, of: Uint32Array.from(numbers) } };
}

/** The values of a dimension that rows count under; a row without a value is left out. */
export function valuesOf(lens: Lens, rows: LabelledRows, dimension: Dimension, names: Names): Entries {
  const entries = dimension.field === 'properties' ? propertiesOf(lens, rows, dimension, names) : textsOf(lens, rows, dimension, names);
  return rows.labels === undefined ? entries : underLabels(rows.labels, entries, names);
}

/** Entries whose rows were labelled carry the label's place until here, in `at`. */
interface PlacedEntries extends Entries {
  readonly values: Uint32Array;
  readonly at: Uint32Array;
}

/** Where the entries of one dimension after the other are put: every block has dozens. */
let counted = new Uint32Array(1024);
let values = new Uint32Array(1024);
let at = new Uint32Array(1024);

/** Valid until the next call. */
function textsOf({ columns }: Lens, { rows }: LabelledRows, { field, value }: TextDimension, names: Names): PlacedEntries {
  const { codes } = columns.text[field];
  const numbers = numbersOf(columns.text[field], value, names);
  if (counted.length < rows.length) counted = grown(counted, rows.length);
  if (values.length < rows.length) values = grown(values, rows.length);
  if (at.length < rows.length) at = grown(at, rows.length);
  let n = 0;
  for (let i = 0; i < rows.length; i++) {
    const value = numbers[codes[rows[i]!]!]!;
    if (value === leftOut) continue;
    counted[n] = rows[i]!;
    at[n] = i;
    values[n++] = value;
  }
  return { rows: counted.subarray(0, n), values: values.subarray(0, n), at: at.subarray(0, n) };
}

/** Decided once per dictionary entry. Order of first appearance is kept by the cells, not by these numbers. */
function numbersOf(column: TextColumn, valueOf: TextDimension['value'], names: Names): Uint32Array {
  const { values } = column;
  const numbers = new Uint32Array(values.length);
  for (let code = 0; code < values.length; code++) {
    const value = valueOf === undefined ? values[code] || undefined : valueOf(values[code]!);
    numbers[code] = value === undefined ? leftOut : names.intern(value);
  }
  return numbers;
}

function propertiesOf({ columns }: Lens, { rows }: LabelledRows, _dimension: PropertiesDimension, names: Names): PlacedEntries {
  const counted: number[] = [];
  const values: number[] = [];
  const at: number[] = [];
  // Events with equal properties share one object.
  const known = new Map<object, readonly number[]>();
  if (columns.properties.size > 0) {
    for (let i = 0; i < rows.length; i++) {
      const properties = columns.properties.get(rows[i]!);
      if (properties === undefined) continue;
      let numbers = known.get(properties);
      if (numbers === undefined) {
        numbers = Object.entries(properties).map(([name, value]) => names.intern(`${name}=${value}`));
        known.set(properties, numbers);
      }
      for (const number of numbers) {
        counted.push(rows[i]!);
        values.push(number);
        at.push(i);
      }
    }
  }
  return { rows: Uint32Array.from(counted), values: Uint32Array.from(values), at: Uint32Array.from(at) };
}

/** `label|value` in place of each value. */
function underLabels({ texts, of }: NonNullable<LabelledRows['labels']>, entries: Entries, names: Names): Entries {
  const { rows, values, at } = entries as PlacedEntries;
  const pairs = new PairIndex();
  const numbers: number[] = [];
  const labelled = Uint32Array.from(values, (value, i) => {
    const label = of[at[i]!]!;
    const pair = pairs.intern(label, value);
    return (numbers[pair] ??= names.intern(`${texts[label]!}|${names.list[value]!}`));
  });
  return { rows, values: labelled };
}

/** The labels themselves as values: totals by label. */
export function labelsAsValues({ rows, labels }: LabelledRows, names: Names): Entries {
  if (labels === undefined) return { rows, values: undefined };
  const numbers = labels.texts.map((text) => names.intern(text));
  return { rows, values: Uint32Array.from(labels.of, (label) => numbers[label]!) };
}
