/** Up to here comparing is faster than hashing. */
const comparedMax = 8;

/**
 * Where each value of a bucket stands, counted over all its chunks: kept beside the bucket's documents and carried over to their
 * successors. Values never move, so it only grows. What was placed and then not stored, since the flush was given up, is placed over.
 */
export class Placement {
  private readonly values: string[] = [];
  private places: Map<string, number> | undefined;

  get size(): number {
    return this.values.length;
  }

  /** The place of a value among the first `total`; -1 when it has none. */
  find(value: string, total: number): number {
    if (this.places === undefined) {
      const place = this.values.indexOf(value);
      return place < total ? place : -1;
    }
    const place = this.places.get(value);
    return place !== undefined && place < total && this.values[place] === value ? place : -1;
  }

  put(value: string, place: number): void {
    this.values.length = place;
    this.values.push(value);
    if (this.places !== undefined) this.places.set(value, place);
    else if (this.values.length > comparedMax) this.places = new Map(this.values.map((known, at) => [known, at]));
  }
}
