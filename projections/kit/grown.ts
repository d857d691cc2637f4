type Numbers = Uint8Array | Int32Array | Uint32Array | Float64Array;

/** A longer copy of an array: what it held, then zeros up to `length`. For the rare moment that one is full, not for loops over events. */
export function grown<A extends Numbers>(array: A, length = array.length * 2): A {
  const larger = new (array.constructor as new (length: number) => A)(length);
  larger.set(array);
  return larger;
}
