/** Closes the switch over a union: a new member becomes a compile error, and a corrupt value an exception. */
export function unreachable(value: never): never {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`);
}
