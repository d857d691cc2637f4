/** Up to here copying byte by byte takes less than making the view that the engine copies from. */
const copiedByHandMax = 128;

/** Copies what lies between two offsets of `source` to `at`. */
export function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (to - from > copiedByHandMax) target.set(source.subarray(from, to), at);
  else for (let i = from; i < to; i++) target[at++] = source[i]!;
}
