import { CountedFamily } from './counted-family';
import { rowsLabelled, rowsThatCount, valuesOf } from './entries';
import type { Gathering } from './gathering';
import { ItemFamily } from './item-family';
import type { Lens } from './lens';
import type { BucketDelta, DeclaredProjection, Dimension } from './projection';

/** A declared projection, compiled for one batch: loops over columns, conditions decided once per dictionary entry. */
export class DeclaredFold {
  private readonly totals: CountedFamily | undefined;
  private readonly dimensions: { dimension: Dimension; family: CountedFamily }[];
  private readonly items: ItemFamily[];

  /** @param like the same projection's fold in the batch before */
  constructor(
    private readonly definition: DeclaredProjection,
    like?: DeclaredFold,
  ) {
    const { name: projection, measures } = definition;
    this.totals = definition.totals
      ? new CountedFamily({ projection, name: projection, base: 'minute' }, measures, like?.totals)
      : undefined;
    this.dimensions = Object.entries(definition.dimensions).map(([name, dimension], i) => {
      const family = { projection, name: `${projection}.${name}`, base: definition.recent ? ('recent' as const) : ('quarter' as const) };
      return { dimension, family: new CountedFamily(family, measures, like?.dimensions[i]?.family) };
    });
    this.items = Object.entries(definition.itemDimensions).map(
      ([name, dimension], i) => new ItemFamily(projection, name, dimension, like?.items[i]),
    );
  }

  get bytes(): number {
    let bytes = this.totals?.bytes ?? 0;
    for (const { family } of this.dimensions) bytes += family.bytes;
    for (const family of this.items) bytes += family.bytes;
    return bytes;
  }

  fold(lens: Lens, gathering: Gathering): void {
    const { labels, measures } = this.definition;
    const counted = rowsThatCount(lens, Object.values(measures));
    if (counted.length > 0) {
      const entries = labels === undefined ? { rows: counted, labels: undefined } : rowsLabelled(lens, counted, gathering, labels);
      if (entries.rows.length > 0) {
        this.totals?.fold(lens, entries);
        for (const { dimension, family } of this.dimensions) family.fold(lens, valuesOf(lens, entries, dimension, family.values));
      }
    }
    for (const family of this.items) family.fold(lens);
  }

  take(gathering: Gathering): BucketDelta[] {
    const families = [...(this.totals ? [this.totals] : []), ...this.dimensions.map(({ family }) => family), ...this.items];
    return families.flatMap((family) => family.take(gathering));
  }
}
